import { describe, expect, test } from 'vitest'
import { type StudentSpec, studentName, studentOf } from '../../src/fusion/student.ts'
import { firstBlocks } from '../../src/train/init.ts'
import { randomFrom } from '../../src/wasm/random.ts'
import { trainSession } from '../kernels/kernels.ts'
import { specOf } from './cohort.ts'

const FEATURES = [20, 9]
const NAMES = ['mri', 'csf']
const session = trainSession()
const students = (...specs: StudentSpec[]) => specs.map((spec) => studentOf(spec, FEATURES))
const draw = (specs: StudentSpec[], seed = 1) =>
  firstBlocks(
    students(...specs),
    specs.map((spec) => studentName(spec, NAMES)),
    randomFrom(session, seed).fork('weights'),
  )
const tensor = (spec: StudentSpec, block: Float32Array, name: string) => {
  const found = studentOf(spec, FEATURES).layout.tensors.find((t) => t.name === name)
  if (!found) throw new Error(`no tensor ${name}`)
  return block.slice(found.offset, found.offset + found.size)
}

const both = specOf('mlp(30,12) raw', 3, { hidden: [40, 25] })

test('weights and biases are uniform within ±1/√inputs of their layer', () => {
  const [block] = draw([both])
  for (const [layer, inputs] of [
    ['encoder.0.0', 20],
    ['encoder.0.1', 30],
    ['head.0', 12 + 9],
    ['head.1', 40],
    ['head.2', 25],
  ] as const) {
    const bound = 1 / Math.sqrt(inputs)
    for (const what of ['weight', 'bias']) {
      const values = tensor(both, block, `${layer}.${what}`)
      expect(Math.max(...values.map(Math.abs))).toBeLessThanOrEqual(Math.fround(bound))
      if (values.length < 20) continue
      expect(Math.max(...values) / bound).toBeGreaterThan(0.8)
      expect(Math.min(...values) / bound).toBeLessThan(-0.8)
    }
    const weight = tensor(both, block, `${layer}.weight`)
    const variance = weight.reduce((sum, v) => sum + v * v, 0) / weight.length
    // Of a uniform distribution, a third of the bound squared; four standard errors.
    expect(Math.abs(variance / (bound * bound) - 1 / 3)).toBeLessThan((4 * Math.sqrt(4 / 45)) / Math.sqrt(weight.length))
  }
})

describe('streams', () => {
  const others = [
    specOf('mlp(30,12) skip', 3, { hidden: [40, 25] }),
    specOf('skip mlp(30,12)', 3, { hidden: [40, 25] }),
    specOf('mlp(30,11) skip', 3, { hidden: [40, 25] }),
    specOf('raw raw', 3, { hidden: [40, 25] }),
  ]

  test('the same seed draws the same, another one does not', () => {
    expect(draw([both, ...others], 5)).toEqual(draw([both, ...others], 5))
    const [one, two] = [draw([both, ...others], 5), draw([both, ...others], 6)]
    one.forEach((block, i) => {
      expect(block.some((v, p) => v === two[i][p])).toBe(false)
    })
  })

  test('who else is in the cohort, and where, changes no first weight', () => {
    const [first, ...rest] = draw([both, ...others])
    expect(draw([both])[0]).toEqual(first)
    expect(draw([...others, both])).toEqual([...rest, first])
    expect(draw([others[2], both, others[0]])).toEqual([rest[2], first, rest[0]])
  })

  test('students with the same encoder on the same modality start it from the same weights', () => {
    const [mine, same, otherModality, otherWidth] = draw([both, ...others])
    const encoder = (spec: StudentSpec, block: Float32Array, m: number) =>
      [`encoder.${m}.0.weight`, `encoder.${m}.0.bias`, `encoder.${m}.1.weight`, `encoder.${m}.1.bias`].map((name) =>
        tensor(spec, block, name),
      )
    expect(encoder(others[0], same, 0)).toEqual(encoder(both, mine, 0))
    // Its last layer has the same shape on another modality; its first layer on the same one, before another latent.
    expect(tensor(others[1], otherModality, 'encoder.1.1.weight')).not.toEqual(tensor(both, mine, 'encoder.0.1.weight'))
    const [left, right] = firstBlocks(
      others.slice(0, 2).map((spec) => studentOf(spec, [9, 9])),
      ['left', 'right'],
      randomFrom(session, 1),
    )
    expect(left.slice(0, 9 * 30)).not.toEqual(right.slice(0, 9 * 30))
    expect(tensor(others[2], otherWidth, 'encoder.0.0.weight')).not.toEqual(tensor(both, mine, 'encoder.0.0.weight'))
  })

  test('every head has weights of its own', () => {
    const blocks = draw([both, ...others])
    const all = [both, ...others].map((spec, i) => [...tensor(spec, blocks[i], 'head.1.weight')].join(' '))
    expect(new Set(all).size).toBe(5)
  })
})

test('a student of modalities without any feature starts from finite weights', () => {
  const spec = specOf('raw', 2, { hidden: [4] })
  const [block] = firstBlocks([studentOf(spec, [0])], ['empty:raw'], randomFrom(session, 1))
  expect(block).toHaveLength(4 + 2 * 5)
  expect(block.slice(0, 4).every((v) => v === 0)).toBe(true)
  for (const v of block) expect(Math.abs(v)).toBeLessThanOrEqual(0.5)
})
