import { describe, expect, onTestFinished, test } from 'vitest'
import { openPool } from '../../node/pool/pool.ts'

interface Job {
  readonly at: number
  readonly dies?: number
  readonly fails?: string
  readonly endless?: boolean
  readonly uncaught?: string
}

interface Result {
  readonly twice: number
  readonly before: number
}

const counters = (length: number) => new Int32Array(new SharedArrayBuffer(4 * length))

/** A pool of the workers for tests, and what they count. */
function poolOf(size: number, signal?: AbortSignal) {
  const ground = { made: counters(1), begun: counters(20), beats: counters(1) }
  const file = new URL('./workers/mortal.js', import.meta.url)
  const pool = openPool<Job, { begun: number }, Result>({ file, size, ground, name: ({ at }) => `job ${at}`, signal })
  onTestFinished(() => pool.close())
  return { pool, ...ground }
}

const jobs = (count: number): Job[] => Array.from({ length: count }, (_, at) => ({ at }))

describe('a pool', () => {
  test.each([1, 2, 3, 9])('of %i gives results in the order of the jobs, each done once', async (size) => {
    const { pool, made, begun } = poolOf(size)
    const told = new Set<number>()
    const done: number[] = []
    const results = await pool.run(jobs(7), {
      told: (place) => told.add(place),
      done: (place, { twice }) => {
        expect(twice).toBe(2 * place)
        done.push(place)
      },
    })
    expect(results.map(({ twice }) => twice)).toEqual([0, 2, 4, 6, 8, 10, 12])
    expect([...told].sort()).toEqual([0, 1, 2, 3, 4, 5, 6])
    expect(done.sort()).toEqual([0, 1, 2, 3, 4, 5, 6])
    expect([...begun.slice(0, 7)]).toEqual([1, 1, 1, 1, 1, 1, 1])
    expect(made[0]).toBeLessThanOrEqual(Math.min(size, 7))
  })

  test('keeps its workers, and what they were given, from run to run', async () => {
    const { pool, made } = poolOf(2)
    await pool.run(jobs(4))
    await pool.run(jobs(4))
    expect(made[0]).toBe(2)
  })

  test('does nothing where there is nothing to do', async () => {
    const { pool, made } = poolOf(2)
    expect(await pool.run([])).toEqual([])
    expect(made[0]).toBe(0)
  })
})

describe('a worker that dies', () => {
  test('has its job done again, the third time too, and the others are not touched', async () => {
    const { pool, begun } = poolOf(2)
    const results = await pool.run([{ at: 0 }, { at: 1, dies: 2 }, { at: 2, dies: 1 }, { at: 3 }])
    expect(results.map(({ twice, before }) => [twice, before])).toEqual([
      [0, 0],
      [2, 2],
      [4, 1],
      [6, 0],
    ])
    expect([...begun.slice(0, 4)]).toEqual([1, 3, 2, 1])
  })

  test('three times at one job ends the run with a sentence', async () => {
    const { pool, begun } = poolOf(2)
    await expect(pool.run([{ at: 0 }, { at: 1, dies: 9 }, { at: 2 }])).rejects.toMatchObject({
      name: 'MemoryError',
      message:
        '3 workers died of job 1, the last one because it stopped with code 7: use fewer workers, or give the process more memory',
    })
    expect(begun[1]).toBe(3)
  })

  test('of an error that nobody caught is named by it', async () => {
    const { pool } = poolOf(1)
    await expect(pool.run([{ at: 0, uncaught: 'out of nowhere' }])).rejects.toThrow(
      '3 workers died of job 0, the last one because of "out of nowhere": use fewer workers',
    )
  })

  test('or cannot be started, ends the run with a sentence', async () => {
    const file = new URL('./workers/nowhere.js', import.meta.url)
    const pool = openPool<number, never, never>({ file, size: 1, ground: 0, name: (seed) => `seed ${seed}` })
    await expect(pool.run([4])).rejects.toThrow(
      /^3 workers died of seed 4, the last one because of "Cannot find module .*nowhere\.js/,
    )
  })
})

/** Workers that still count are alive. */
async function expectStill(beats: Int32Array): Promise<void> {
  const before = beats[0]
  await new Promise((resolve) => setTimeout(resolve, 100))
  expect(beats[0]).toBe(before)
}

describe('a run that ends early leaves no worker', () => {
  test('when a job fails: with the error of its name', async () => {
    const { pool, beats } = poolOf(2)
    const run = pool.run([
      { at: 0, endless: true },
      { at: 1, fails: 'out of range' },
    ])
    await expect(run).rejects.toMatchObject({ name: 'RangeError', message: 'out of range' })
    await expectStill(beats)
  })

  test('when it is aborted: with the reason of the signal, soon, whatever its workers do', async () => {
    const stop = new AbortController()
    const { pool, beats } = poolOf(2, stop.signal)
    const run = pool.run([{ at: 0, endless: true }, { at: 1, endless: true }, { at: 2 }])
    while (beats[0] === 0) await new Promise((resolve) => setTimeout(resolve, 5))
    const reason = new DOMException('enough', 'AbortError')
    const asked = performance.now()
    stop.abort(reason)
    await expect(run).rejects.toBe(reason)
    // Some milliseconds on an idle machine.
    expect(performance.now() - asked).toBeLessThan(2000)
    await expectStill(beats)
  })

  test('when it was aborted before: nothing is begun', async () => {
    const { pool, made } = poolOf(2, AbortSignal.abort(new Error('before')))
    await expect(pool.run(jobs(3))).rejects.toThrow('before')
    expect(made[0]).toBe(0)
  })
})
