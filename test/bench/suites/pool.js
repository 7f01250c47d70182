// The ρ grid by one worker and by two, beside what the machine gives to two processes that need nothing of each other.

import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { ratio, summary } from '../rounds.js'
import { trainingOf } from '../simulation.js'

const ID = 'pool/2-workers/speedup'
const ROUNDS = 3

/** Every ρ from the first weights, so that all of them can be trained at once. */
const WORK = { name: '1.1', epochs: 1, config: { rho: [0, 0.99, 3], warmStart: 'none' } }

export async function run(bench) {
  if (!bench.wants(ID)) return
  const seconds = { one: [], two: [], both: [] }
  const processes = [0, 1].map(() => fork(fileURLToPath(new URL('../alone.js', import.meta.url))))
  const together = async () => {
    const before = performance.now()
    await Promise.all(
      processes.map((child) => {
        child.send(WORK)
        return once(child, 'message')
      }),
    )
    return (performance.now() - before) / 1000
  }
  const candidates = {
    one: async () => (await trainingOf({ ...WORK, workers: 1 })).all,
    two: async () => (await trainingOf({ ...WORK, workers: 2 })).all,
    both: together,
  }
  for (let round = 0; round < Math.min(bench.rounds ?? ROUNDS, ROUNDS); round++) {
    for (const [name, call] of Object.entries(candidates)) seconds[name].push(await call())
  }
  for (const child of processes) child.kill()
  const ceiling = 2 * ratio(seconds.one, seconds.both).median
  const text = (name) => summary(seconds[name]).median.toFixed(1)
  const note = `wall: ${text('one')} s by one, ${text('two')} s by two; two independent processes on this machine: ${ceiling.toFixed(2)}×`
  bench.record({ id: ID, unit: '×', ...ratio(seconds.one, seconds.two), note })
}
