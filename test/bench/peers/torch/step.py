"""A cohort in PyTorch, one thread: training steps and predictions, asked for line by line.

    python3 step.py FOLDER

FOLDER has cohort.json (what test/bench/peers/torch.js writes), weights.f32, x0.f32, x1.f32 …, labels.i32. Every line of the input is
a JSON object, every line of the output its answer: {"do": "reset"} | {"do": "step", "count": k, "mutual": "mean" | "pairwise"}
gives {"cpu": ms, "wall": ms, "task": [[loss of each student] of each step], "total": …}; {"do": "infer", "count": k, "rows": B}
gives the times and the sums of the mean outputs.

The mutual term is rho times the mean KL divergence from the teachers: `mean` takes it once per student, from the teachers' weighted
mean softmax, which has the same gradient; `pairwise` takes it from one teacher after the other.
"""

import json
import os
import sys
import time

import numpy
import torch
import torch.nn.functional as F

from blas import blas

torch.set_num_threads(1)

folder = sys.argv[1]
cohort = json.load(open(os.path.join(folder, 'cohort.json')))


def numbers(name, kind):
    return numpy.fromfile(os.path.join(folder, name), dtype=kind)


class Student(torch.nn.Module):
    """Encoders (or raw modalities) side by side, and a head; weights in the order of torch's own parameters."""

    def __init__(self, spec):
        super().__init__()
        self.modalities = [port['modality'] for port in spec['ports']]
        self.encoders = torch.nn.ModuleList([mlp(port['widths']) for port in spec['ports']])
        self.head = mlp(spec['head'])

    def forward(self, inputs):
        parts = [encoder(inputs[m]) for encoder, m in zip(self.encoders, self.modalities)]
        return self.head(parts[0] if len(parts) == 1 else torch.cat(parts, 1))


def mlp(widths):
    layers = []
    for l in range(len(widths) - 1):
        layers += [torch.nn.Linear(widths[l], widths[l + 1]), torch.nn.ReLU()]
    return torch.nn.Sequential(*layers[:-1])


students = [Student(spec) for spec in cohort['students']]
weights = torch.tensor(cohort['teachers'], dtype=torch.float32)
rho, batch = cohort['rho'], cohort['batch']
first = torch.from_numpy(numbers('weights.f32', '<f4'))
inputs = [torch.from_numpy(numbers(f'x{m}.f32', '<f4').reshape(batch, width)) for m, width in enumerate(cohort['features'])]
labels = torch.from_numpy(numbers('labels.i32', '<i4').astype('int64'))
everything = [p for student in students for p in student.parameters()]
optimizers = []


def reset():
    global optimizers
    at = 0
    with torch.no_grad():
        for p in everything:
            p.copy_(first[at:at + p.numel()].view_as(p))
            at += p.numel()
    assert at == first.numel(), f'{first.numel()} weights for {at} parameters'
    optimizers = [torch.optim.Adam(student.parameters(), lr=cohort['rate']) for student in students]


def pairwise(log, told, i):
    apart = 0.0
    for j, q in enumerate(told):
        if j != i and cohort['teachers'][j] > 0:
            apart = apart + weights[j] * F.kl_div(log, q, reduction='batchmean')
    return apart / weights.sum()


def step(mutual):
    """All outputs, then one backward pass through the sum of the losses: teachers are constants, so students do not mix."""
    outputs = [student(inputs) for student in students]
    logs = [F.log_softmax(out, 1) for out in outputs]
    told = torch.stack([log.detach().exp() for log in logs])
    task = [F.nll_loss(log, labels) for log in logs]
    if mutual == 'mean':
        consensus = torch.einsum('m,mbd->bd', weights, told) / weights.sum()
        apart = [F.kl_div(log, consensus, reduction='batchmean') for log in logs]
    else:
        apart = [pairwise(log, told, i) for i, log in enumerate(logs)]
    total = [a + rho * b for a, b in zip(task, apart)]
    for optimizer in optimizers:
        optimizer.zero_grad(set_to_none=True)
    torch.stack(total).sum().backward()
    for optimizer in optimizers:
        optimizer.step()
    return task, total


def infer(rows):
    with torch.no_grad():
        some = [x[:rows] for x in inputs]
        return sum(student(some) for student in students) / len(students)


reset()
print(json.dumps({'torch': torch.__version__, 'parameters': first.numel(), 'blas': blas()}), flush=True)
for line in sys.stdin:
    asked = json.loads(line)
    answer, losses = {}, []
    cpu, wall = time.process_time(), time.perf_counter()
    if asked['do'] == 'reset':
        reset()
    elif asked['do'] == 'step':
        losses = [step(asked['mutual']) for _ in range(asked['count'])]
    else:
        for _ in range(asked['count']):
            said = infer(asked['rows'])
        answer['outputs'] = said.flatten().tolist()
    answer['cpu'] = 1000 * (time.process_time() - cpu)
    answer['wall'] = 1000 * (time.perf_counter() - wall)
    for name, which in (('task', 0), ('total', 1)):
        answer[name] = [[float(x) for x in both[which]] for both in losses]
    print(json.dumps(answer), flush=True)
