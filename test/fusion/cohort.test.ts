import { describe, expect, test } from 'vitest'
import { chooseRange, chooseRows, cohortOf, runCohort, runMember } from '../../src/fusion/cohort.ts'
import { blocksOf, make, specOf } from '../train/cohort.ts'
import { speak } from '../train/reference.ts'

const FEATURES = [6, 4]
const specs = ['raw skip', 'mlp(9,3) raw', 'skip mlp(5)', 'pca(2) mlp(8,7,2)', 'raw raw'].map((e) =>
  specOf(e, 3, { hidden: [11, 4], activation: 'sigmoid' }),
)
const [M, D, rows] = [specs.length, 3, 20]
const made = make({ specs, features: FEATURES, rows })
const { session, students, sources } = made.problem
const { kernels, memory } = session
const blocks = blocksOf(made.problem)
const placed = blocks.map((block) => memory.put(block))

const cohort = (capacity: number, keep: boolean) => cohortOf(memory, students, placed, sources, capacity, keep)

describe.each([true, false])('a workspace for each student: %s', (keep) => {
  test('outputs of the chosen rows are what every student says to them', () => {
    const c = cohort(8, keep)
    const out = memory.alloc(4 * M * 8 * D)
    for (const chosen of [Int32Array.of(3, 19, 0, 3, 7), Int32Array.of(11), Int32Array.from({ length: 8 }, (_, i) => 2 * i)]) {
      const B = chosen.length
      chooseRows(session, c, chosen)
      runCohort(kernels, out, c, B)
      const said = memory.f32(out, M * B * D)
      specs.forEach((spec, i) => {
        chosen.forEach((row, b) => {
          const reader = (source: string) => {
            const { values, width } = made.tables.get(source)!
            return [...values.subarray(row * width, (row + 1) * width)]
          }
          speak(spec, FEATURES, blocks[i], reader).forEach((v, d) => {
            expect(said[(i * B + b) * D + d]).toBeCloseTo(v, 5)
          })
        })
      })
    }
  })

  test('it stays within its own room', () => {
    const before = memory.put(new Float32Array(64).fill(5))
    const c = cohort(8, keep)
    const after = memory.put(new Float32Array(64).fill(6))
    const out = memory.alloc(4 * M * 8 * D)
    chooseRows(
      session,
      c,
      Int32Array.from({ length: 8 }, (_, i) => i),
    )
    runCohort(kernels, out, c, 8)
    expect(memory.f32(before, 64).every((v) => v === 5)).toBe(true)
    expect(memory.f32(after, 64).every((v) => v === 6)).toBe(true)
  })
})

test('sharing one workspace takes less room and gives the same bits', () => {
  const taken = (keep: boolean) => {
    const start = memory.mark()
    const c = cohort(16, keep)
    const bytes = memory.mark() - start
    const out = memory.alloc(4 * M * 5 * D)
    chooseRows(session, c, Int32Array.of(1, 2, 4, 8, 16))
    runCohort(kernels, out, c, 5)
    return { bytes, said: memory.f32(out, M * 5 * D).slice() }
  }
  const [own, shared] = [taken(true), taken(false)]
  expect(shared.said).toEqual(own.said)
  expect(shared.bytes).toBeLessThan(own.bytes)
})

test('one member alone says what it says among all', () => {
  const c = cohort(4, false)
  const out = memory.alloc(4 * M * 4 * D)
  const one = memory.alloc(4 * 4 * D)
  chooseRows(session, c, Int32Array.of(9, 5, 5, 0))
  runCohort(kernels, out, c, 4)
  for (let i = 0; i < M; i++) {
    runMember(kernels, one, c, i, 4)
    expect(memory.f32(one, 4 * D)).toEqual(memory.f32(out + 4 * i * 4 * D, 4 * D))
  }
})

test('a range of rows is chosen as its rows are', () => {
  const c = cohort(8, false)
  const said = (choose: () => void) => {
    choose()
    const out = memory.alloc(4 * M * 3 * D)
    runCohort(kernels, out, c, 3)
    return memory.f32(out, M * 3 * D).slice()
  }
  expect(said(() => chooseRange(session, c, 5, 3))).toEqual(said(() => chooseRows(session, c, Int32Array.of(5, 6, 7))))
})
