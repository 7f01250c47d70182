// Candidates measured in turn, so that what disturbs the machine disturbs all of them alike.

/**
 * @typedef {{ median: number, min: number, max: number, rounds: number }} Summary
 * @typedef {{ cpu: number[], wall: number[] }} Times of the rounds: ms per call
 */

/**
 * Runs every candidate in every round, the order turned by one from round to round.
 * @template {string} Name
 * @param {Record<Name, () => unknown>} candidates a promise that one returns is awaited
 * @param {{ rounds?: number, warmup?: number, seconds?: number }} [options] calls of each before the first round, at least, and how
 *   long (s) a round of one candidate is to take, at least one call
 * @returns {Promise<Record<Name, Times>>}
 */
export async function interleave(candidates, { rounds = 7, warmup = 2, seconds = 0.1 } = {}) {
  const names = /** @type {Name[]} */ (Object.keys(candidates))
  const times = /** @type {Record<Name, Times>} */ (Object.fromEntries(names.map((name) => [name, { cpu: [], wall: [] }])))
  const calls = new Map()
  for (const name of names) calls.set(name, await callsIn(candidates[name], warmup, seconds))
  for (let round = 0; round < rounds; round++) {
    for (let turn = 0; turn < names.length; turn++) {
      const name = names[(turn + round) % names.length]
      const { cpu, wall } = await timed(candidates[name], calls.get(name))
      times[name].cpu.push(cpu)
      times[name].wall.push(wall)
    }
  }
  return times
}

/** Warms a candidate up, and finds how many calls of it a round holds. */
async function callsIn(call, warmup, seconds) {
  const { wall: first } = await timed(call, 1)
  let { wall } = warmup > 1 ? await timed(call, warmup - 1) : { wall: first }
  // The compiler of the host works beside the first calls: those of a short candidate go on for a round.
  const few = Math.floor((1000 * seconds) / wall)
  if (few > warmup) wall = (await timed(call, few)).wall
  return Math.max(1, Math.round((1000 * seconds) / wall))
}

/** Times of one of `calls` calls, ms. The processor's time is of the whole process: threads that a candidate starts are in it. */
async function timed(call, calls) {
  const before = process.cpuUsage()
  const start = performance.now()
  for (let i = 0; i < calls; i++) {
    const result = call()
    if (result instanceof Promise) await result
  }
  const wall = performance.now() - start
  const { user, system } = process.cpuUsage(before)
  return { cpu: (user + system) / 1000 / calls, wall: wall / calls }
}

/** @param {readonly number[]} values @returns {Summary} */
export function summary(values) {
  const sorted = [...values].sort((a, b) => a - b)
  const half = sorted.length / 2
  const median = (sorted[Math.ceil(half) - 1] + sorted[Math.floor(half)]) / 2
  return { median, min: sorted[0], max: sorted[sorted.length - 1], rounds: values.length }
}

/** How many times as long the peer took, round by round. @param {readonly number[]} peer @param {readonly number[]} ours */
export const ratio = (peer, ours) => summary(peer.map((time, round) => time / ours[round]))

/** The median of some numbers. @param {readonly number[]} values */
export const median = (values) => summary(values).median
