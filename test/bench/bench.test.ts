// What the benchmark makes of times and records; nothing is timed here.

import { expect, test } from 'vitest'

const load = (name: string) => import(new URL(name, import.meta.url).href)
const { interleave, ratio, summary } = await load('rounds.js')
const { compare } = await load('compare.js')
const { documented } = await load('document.js')
const { exponent } = await load('suites/curves.js')
const { stateOf, text } = await load('targets.js')

test('every candidate runs in every round, and the order turns', async () => {
  const calls: string[] = []
  const call = (name: string) => () => {
    calls.push(name)
    // Longer than a round, so that it holds one call.
    const end = performance.now() + 1
    while (performance.now() < end);
  }
  const times = await interleave(
    { a: call('a'), b: async () => call('b')(), c: call('c') },
    { rounds: 3, warmup: 1, seconds: 1e-6 },
  )
  expect(calls.join('')).toBe('abc'.concat('abc', 'bca', 'cab'))
  expect(Object.keys(times)).toEqual(['a', 'b', 'c'])
  expect(times.b.wall).toHaveLength(3)
  expect(times.b.cpu).toHaveLength(3)
})

test('a ratio is taken in each round, and then the median', () => {
  expect(ratio([10, 30, 80], [1, 10, 10])).toEqual({ median: 8, min: 3, max: 10, rounds: 3 })
  expect(summary([4, 1, 3, 2])).toEqual({ median: 2.5, min: 1, max: 4, rounds: 4 })
})

test('a curve is a power, whatever it is multiplied by', () => {
  expect(exponent([1, 2, 8, 64].map((x) => ({ x, y: 3 * x ** 1.5 })))).toBeCloseTo(1.5, 12)
})

test('a figure is judged by its target, where less may be better', () => {
  expect(stateOf({ id: 'gemm/strict/of-peak', value: 0.8 })).toBe('goal met')
  expect(stateOf({ id: 'gemm/strict/of-peak', value: 0.75 })).toBe('floor met')
  expect(stateOf({ id: 'gemm/strict/of-peak', value: 0.6 })).toBe('missed')
  expect(stateOf({ id: 'infer/small/latency', value: 8 })).toBe('goal met')
  expect(stateOf({ id: 'infer/small/latency', value: 16 })).toBe('missed')
  expect(stateOf({ id: 'infer/small/latency', value: null })).toBe('')
  expect(stateOf({ id: 'no/target', value: 1 })).toBe('')
})

test('figures have three digits, and bytes all of theirs', () => {
  expect([text(0.123456, '×'), text(1234.5, 'ms'), text(987, 'bytes'), text(null, 'ms')]).toEqual(['0.123', '1235', '987', '–'])
})

const row = (id: string, value: number | null, unit = 'ms') => ({
  id,
  value,
  unit,
  median: value,
  min: value,
  max: value,
  rounds: 3,
})

test('records are compared by id, whichever way they were written', () => {
  const lines = compare([row('a', 2), row('b', 3)], { results: [row('c', 1), row('a', 5), row('b', null)] })
  expect(lines.slice(2)).toEqual(['| a | ms | 2 | 5 | 2.50 |', '| b | ms | 3 | – | – |', '| c | ms | – | 1 | – |'])
})

test('the document is what it was but for the tables between its markers', () => {
  const record = {
    machine: { cpu: 'some processor' },
    node: 'v20.0.0',
    peers: { other: '1.2.3' },
    results: [row('machine/triad', 40, 'GB/s'), row('step/large/vs-tfjs', 12.345, '×'), row('steps/more', 1)],
  }
  const before = ['targets', 'machine', 'step', 'infer']
    .map((t) => `${t}:\n<!-- table ${t} -->\nstale\n<!-- end ${t} -->`)
    .join('\n')
  const after: string = documented(before, record)
  expect(after).not.toContain('stale')
  expect(after).toContain('| `step/large/vs-tfjs` | 12.3 (12.3 … 12.3) | × | floor met | ≥ 10 | ≥ 15 |')
  expect(after).toContain('| cpu | some processor |')
  expect(after).toContain('| `machine/triad` | 40 (40 … 40) GB/s |')
  expect(after).not.toContain('steps/more')
  expect(after.split('<!-- table infer -->')[1]).toContain('Not measured yet.')
  expect(documented(after, record)).toBe(after)
})
