"""A whole Meta Fusion run in PyTorch, the way the authors' published code does its work, to be timed as a whole.

    python3 reference_loop.py {1.1,2.2} [--epochs N] [--seed S]

Written anew from a description of that code's behaviour; none of it is theirs. What is modelled, since it is what their users wait for:

- anomaly detection is on; PyTorch has the threads it takes by itself
- a DataLoader that shuffles rows one by one into batches of 64; validation and test are one batch each
- one student after the other: forward of all, then per student its task loss, its divergence from every other student one after
  the other (also from those whose weight is 0), backward, a step of an Adam of its own, and the losses read as numbers
- at rho = 0 no divergence; validation after every epoch with the same losses
- a learned extractor is a network of each student's own; PCA is fitted on training and validation rows, once for each number of
  components, and computed again in NumPy at every forward pass of every student
- a student's best checkpoint by its validation task loss, optimizer included, is written to a file at once
- after rho = 0 the teachers by k-means and silhouette; the first rho > 0 goes on from the best checkpoints, the others start anew
- the rho by the teachers' mean loss, the greedy, simple and weighted ensembles on validation rows, their errors on test rows, and
  the same of the cohort at rho = 0

Left out, to their advantage: baselines, the stacked ensemble, progress bars and reports. k-means and PCA are NumPy's arithmetic.

The answer is one line of JSON: seconds of processor and clock time, of each rho and of the rest, and the test errors.
"""

import argparse
import copy
import itertools
import json
import os
import tempfile
import time

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from blas import blas

torch.autograd.set_detect_anomaly(True)

BATCH, RATE, RHO = 64, 1e-3, (0, 0.99, 3)
linear = lambda z: z
quadratic = lambda z: z * z - z

SETTINGS = {
    '1.1': dict(
        dims=(500, 400), latents=(20, 30), shared=0, noise=(0.4, 0.4), view=(linear, linear), share=(1, 1), common=(linear, 0),
        outs=((500, 400, 300, 200, 0), (400, 300, 200, 100, 0)), kind='mlp', head=(128, 64), epochs=10,
    ),
    '2.2': dict(
        dims=(2000, 400), latents=(50, 30), shared=20, noise=(0.3, 0.3), view=(linear, linear), share=(0, 0), common=(quadratic, 1),
        outs=((120, 100, 80, 60, 0), (120, 100, 80, 60, 0)), kind='pca', head=(300, 200, 100), epochs=30,
    ),
}


def data_of(setting, rows, seed):
    draw = np.random.RandomState(seed)
    coefficients = [draw.uniform(-3, 3, d) for d in setting['latents']]
    common = draw.uniform(-3, 3, setting['shared'])
    maps = [draw.randn(d + setting['shared'], p) for d, p in zip(setting['latents'], setting['dims'])]
    latents = [draw.randn(rows, d) for d in setting['latents']]
    shared = draw.randn(rows, setting['shared'])
    views = []
    for z, matrix, noise in zip(latents, maps, setting['noise']):
        base = np.concatenate([z, shared], 1) @ matrix
        base = (base - base.mean(0)) / base.std(0)
        views.append(noise * draw.randn(*base.shape) + (1 - noise) * base)
    y = sum(a * f(z) @ b for a, f, z, b in zip(setting['share'], setting['view'], latents, coefficients))
    y = y + setting['common'][1] * setting['common'][0](shared) @ common
    order = draw.permutation(rows)
    tensors = [torch.tensor(x, dtype=torch.float32) for x in (*views, y[:, None])]
    test, validation, train = np.split(order, [rows // 5, rows // 5 + (rows - rows // 5) // 5])
    return [TensorDataset(*[t[part] for t in tensors]) for part in (train, validation, test)]


def mlp(*widths):
    layers = [m for a, b in zip(widths, widths[1:]) for m in (nn.Linear(a, b), nn.ReLU())]
    return nn.Sequential(*layers[:-1])


class Pca:
    def __init__(self, x, components):
        self.mean = x.mean(0)
        centred = x - self.mean
        basis = np.random.randn(x.shape[1], components + 10).astype(x.dtype)
        for _ in range(4):
            basis = np.linalg.qr(centred.T @ (centred @ basis))[0]
        self.components = np.linalg.svd(centred @ basis, full_matrices=False)[2][:components] @ basis.T

    def transform(self, x):
        return (x - self.mean) @ self.components.T


class Projected(nn.Module):
    def __init__(self, pca):
        super().__init__()
        self.pca = pca

    def forward(self, x):
        return torch.from_numpy(self.pca.transform(x.detach().cpu().numpy())).float()


class Student(nn.Module):
    def __init__(self, extractors, width, head):
        super().__init__()
        self.extractors = nn.ModuleList([copy.deepcopy(e) for e in extractors])
        self.head = mlp(width, *head, 1)

    def forward(self, views):
        parts = [e(x) for e, x in zip(self.extractors, views) if not isinstance(e, Skip)]
        return self.head(torch.cat(parts, 1))


class Skip(nn.Module):
    pass


def cohort_of(setting, train, validation):
    cells = []
    for m, (dim, outs) in enumerate(zip(setting['dims'], setting['outs'])):
        fitted = torch.cat([train.tensors[m], validation.tensors[m]]).numpy()
        known = {}
        for out in sorted(outs, reverse=True):
            if out == 0:
                known[out] = Skip()
            elif out == dim:
                known[out] = nn.Identity()
            else:
                known[out] = Projected(Pca(fitted, out)) if setting['kind'] == 'pca' else mlp(dim, 256, out)
        cells.append(known)
    choices = [c for c in itertools.product(*cells) if any(c)]
    return [Student([cells[m][out] for m, out in enumerate(c)], sum(c), setting['head']) for c in choices]


class Run:
    def __init__(self, setting, seed, epochs, folder):
        torch.manual_seed(seed)
        np.random.seed(seed)
        self.epochs, self.folder = epochs, folder
        self.train, self.validation, self.test = data_of(setting, 2000, seed)
        self.seconds = {}
        with self.timed('rest'):
            self.loader = DataLoader(self.train, batch_size=BATCH, shuffle=True)
            self.full = [DataLoader(part, batch_size=len(part)) for part in (self.validation, self.test)]
            self.students = cohort_of(setting, self.train, self.validation)
            self.first = [copy.deepcopy(s.state_dict()) for s in self.students]
        self.weights = torch.ones(len(self.students))
        self.mse = nn.MSELoss()

    def timed(self, name):
        run = self

        class Clock:
            def __enter__(self):
                self.at = time.process_time(), time.perf_counter()

            def __exit__(self, *_):
                cpu, wall = run.seconds.get(name, (0, 0))
                run.seconds[name] = cpu + time.process_time() - self.at[0], wall + time.perf_counter() - self.at[1]

        return Clock()

    def reset(self):
        for student, state in zip(self.students, self.first):
            student.load_state_dict(state)
        self.optimizers = [torch.optim.Adam(s.parameters(), lr=RATE) for s in self.students]

    def file(self, i, rho):
        return os.path.join(self.folder, f'student_{i}_{rho}.pt')

    def load(self, rho):
        losses = []
        for i, (student, optimizer) in enumerate(zip(self.students, self.optimizers)):
            kept = torch.load(self.file(i, rho))
            student.load_state_dict(kept['model'])
            optimizer.load_state_dict(kept['optimizer'])
            losses.append(kept['loss'])
        return losses

    def losses_of(self, i, outputs, y, rho):
        task = self.mse(outputs[i], y)
        if rho == 0:
            return task, task
        apart = 0
        for j in range(len(outputs)):
            if j != i:
                apart = apart + self.weights[j] * self.mse(outputs[i], outputs[j].detach())
        return task, task + rho * apart / self.weights.sum()

    def stage(self, rho):
        best = [float('inf')] * len(self.students)
        for _ in range(self.epochs):
            for student in self.students:
                student.train()
            seen = np.zeros((len(self.students), 2))
            for *views, y in self.loader:
                outputs = [student(views) for student in self.students]
                for i, optimizer in enumerate(self.optimizers):
                    task, loss = self.losses_of(i, outputs, y, rho)
                    optimizer.zero_grad()
                    loss.backward()
                    optimizer.step()
                    seen[i] += len(y) * np.array([task.item(), loss.item()])
            for i, (task, _) in enumerate(self.judge(self.full[0], rho)):
                if task < best[i]:
                    best[i] = task
                    state = {'model': self.students[i].state_dict(), 'optimizer': self.optimizers[i].state_dict(), 'loss': task}
                    torch.save(state, self.file(i, rho))

    def judge(self, loader, rho):
        for student in self.students:
            student.eval()
        with torch.no_grad():
            (*views, y), = loader
            outputs = [student(views) for student in self.students]
            return [tuple(l.item() for l in self.losses_of(i, outputs, y, rho)) for i in range(len(outputs))]

    def outputs(self, loader):
        with torch.no_grad():
            (*views, y), = loader
            return torch.stack([student(views) for student in self.students]), y

    def everything(self):
        by_rho, teachers = {}, list(range(len(self.students)))
        for rho in RHO:
            with self.timed(str(rho)):
                self.reset()
                if rho == RHO[1]:
                    teachers = best_cluster(np.array(self.load(0)))
                    self.weights = torch.zeros(len(self.students))
                    self.weights[teachers] = 1 / len(teachers)
                self.stage(rho)
                self.reset()
                by_rho[rho] = self.load(rho)
        with self.timed('rest'):
            chosen = min(RHO, key=lambda rho: np.mean([by_rho[rho][i] for i in teachers]))
            scores = {str(rho): self.ensembles(rho) for rho in (chosen, 0)}
        return {'seconds': self.seconds, 'rho': chosen, 'teachers': len(teachers), 'test': scores}

    def ensembles(self, rho):
        losses = np.array(self.load(rho))
        weights = torch.tensor(1 / losses / (1 / losses).sum(), dtype=torch.float32)
        out, y = self.outputs(self.full[0])
        loss_of = lambda members: self.mse(mixed(out, weights, members), y).item()
        kept = list(np.argsort(losses)[: int(0.8 * len(losses))])
        members, left = kept[:3], kept[3:]
        loss = loss_of(members)
        while left:
            tried = [loss_of([*members, i]) for i in left]
            if min(tried) >= loss:
                break
            loss = min(tried)
            members.append(left.pop(tried.index(loss)))
        out, y = self.outputs(self.full[1])
        everyone = list(range(len(losses)))
        error = lambda w, some: self.mse(mixed(out, w, some), y).item()
        return {
            'greedy': error(weights, members),
            'simple': error(torch.ones(len(losses)), everyone),
            'weighted': error(weights, everyone),
            'best': error(weights, [int(losses.argmin())]),
        }


def mixed(outputs, weights, members):
    w = weights[members] / weights[members].sum()
    return (w[:, None, None] * outputs[members]).sum(0)


def best_cluster(losses):
    """The members of the best of k clusters, k by silhouette."""
    found = []
    for k in range(2, min(10, len(losses) - 1) + 1):
        labels = k_means(losses, k)
        found.append((silhouette(losses, labels), -k, labels))
    labels = max(found, key=lambda one: one[:2])[2]
    best = min(set(labels), key=lambda c: losses[labels == c].mean())
    return [int(i) for i in np.flatnonzero(labels == best)]


def k_means(x, k):
    centres = np.quantile(x, (np.arange(k) + 0.5) / k)
    for _ in range(300):
        labels = np.abs(x[:, None] - centres).argmin(1)
        moved = np.array([x[labels == c].mean() if (labels == c).any() else centres[c] for c in range(k)])
        if np.allclose(moved, centres):
            break
        centres = moved
    return labels


def silhouette(x, labels):
    apart = np.abs(x[:, None] - x)
    values = []
    for i, own in enumerate(labels):
        same = labels == own
        if same.sum() == 1:
            values.append(0)
            continue
        a = apart[i][same].sum() / (same.sum() - 1)
        b = min(apart[i][labels == c].mean() for c in set(labels) if c != own)
        values.append((b - a) / max(a, b))
    return np.mean(values)


if __name__ == '__main__':
    parser = argparse.ArgumentParser()
    parser.add_argument('setting', choices=SETTINGS)
    parser.add_argument('--epochs', type=int)
    parser.add_argument('--seed', type=int, default=1)
    asked = parser.parse_args()
    chosen = SETTINGS[asked.setting]
    epochs = asked.epochs or chosen['epochs']
    with tempfile.TemporaryDirectory() as folder:
        answer = Run(chosen, asked.seed, epochs, folder).everything()
    print(json.dumps({**answer, 'epochs': epochs, 'of': chosen['epochs'], 'threads': torch.get_num_threads(), 'blas': blas()}))
