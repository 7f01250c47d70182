// A whole Meta Fusion run of a simulation, three ρ, wall time: ours by two workers and by one, beside the authors' way in PyTorch.
// Unless `--full` asks for all of them, some epochs of every ρ are run and their time is multiplied; what is done once is not.

import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { NO_TORCH, torchPython } from '../peers/torch.js'
import { ratio } from '../rounds.js'
import { trainingOf } from '../simulation.js'

/** Of every ρ, unless all are asked for: ours, which is quicker, runs more of them. */
const EPOCHS = { theirs: 1, ours: 2 }

export async function run(bench) {
  for (const name of ['1.1', '2.2']) {
    const id = `e2e/setting-${name}/vs-reference`
    if (!bench.wants(id, `${id}/1-worker`)) continue
    const found = torchPython()
    if (!found) {
      bench.record({ id, value: null, unit: '×', note: NO_TORCH })
      continue
    }
    await setting(bench, id, name, found)
  }
}

async function setting(bench, id, name, found) {
  const seconds = { theirs: [], one: [], two: [] }
  let last
  for (let round = 0; round < (bench.rounds === undefined ? 1 : Math.min(bench.rounds, 3)); round++) {
    last = reference(found, name, bench.full)
    seconds.theirs.push(last.wall)
    for (const [which, workers] of Object.entries({ two: 2, one: 1 })) {
      const { stages, rest, of } = await trainingOf({ name, workers, epochs: bench.full ? undefined : EPOCHS.ours })
      seconds[which].push(rest + (bench.full ? stages : (stages * of) / EPOCHS.ours))
    }
  }
  const text = (which) => Math.min(...seconds[which]).toFixed(1)
  const how = bench.full ? 'all epochs' : `${EPOCHS.theirs} of ${last.of} epochs of theirs and ${EPOCHS.ours} of ours, multiplied`
  const note = `wall s: theirs ${text('theirs')} (CPU ${last.cpu.toFixed(0)}; ${found.version}, threads of its own ${last.threads}, ${last.blas}), ours ${text('two')} by two workers, ${text('one')} by one; ${how}`
  bench.record({ id, unit: '×', ...ratio(seconds.theirs, seconds.two), note })
  bench.record({ id: `${id}/1-worker`, unit: '×', ...ratio(seconds.theirs, seconds.one), note })
}

/** Seconds of the whole run in PyTorch. */
function reference({ python, env }, name, full) {
  const script = fileURLToPath(new URL('../peers/torch/reference_loop.py', import.meta.url))
  const epochs = full ? [] : ['--epochs', `${EPOCHS.theirs}`]
  const { status, stdout } = spawnSync(python, [script, name, ...epochs], {
    env,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  if (status !== 0) throw new Error(`reference_loop.py ${name} ended with ${status}`)
  const { seconds, epochs: run, of, threads, blas } = JSON.parse(stdout)
  const whole = (at) =>
    Object.entries(seconds).reduce((sum, [part, times]) => sum + times[at] * (part === 'rest' ? 1 : of / run), 0)
  return { cpu: whole(0), wall: whole(1), of, threads, blas }
}
