import { describe, expect, test } from 'vitest'
import { studentOf } from '../../src/fusion/student.ts'
import { tempered, temperedAlone } from '../../src/train/model.ts'
import type { Group, Setting } from '../../src/train/setting.ts'
import type { StageResult } from '../../src/train/stage.ts'
import { trainSession } from '../kernels/kernels.ts'
import { specOf } from './cohort.ts'

const N = 60
const MARGIN = 0.5

/** Two linear students of D classes that tell all rows apart by the same margin, the second half as far, and what is needed to scale them. */
function made(D: number) {
  const session = trainSession()
  const labels = Int32Array.from({ length: N }, (_, row) => row % D)
  const logits = (margin: number) =>
    Float32Array.from({ length: N * D }, (_, k) => (k % D === labels[Math.floor(k / D)] ? margin : 0))
  const students = [MARGIN, MARGIN / 2].map(() => studentOf(specOf('raw', D), [1]))
  const rows = Int32Array.from(labels.keys())
  const setting = {
    session,
    splits: { train: rows, validation: rows, test: new Int32Array() },
    patterns: Array.from(rows, () => '1'),
    head: { outputs: D },
    wanted: labels,
    targetRows: {},
  } as unknown as Setting
  const sees = students.map(() => new Uint8Array(N).fill(1))
  const group = { plan: { problem: { students, sees } } } as unknown as Group
  const stage = {
    best: students.map(({ layout }) => ({ block: new Float32Array(layout.size).fill(1) })),
    losses: Float64Array.of(1, 1),
    outOfFold: Float32Array.from([...logits(MARGIN), ...logits(MARGIN / 2)]),
  } as unknown as StageResult
  return { setting, group, stage }
}

/** By closed form: of rows told apart by a margin, with so many rows of nothing known, half believed at 50 rows. */
function scaleBy(unknown: number, D: number, margin: number): number {
  const spread = unknown / (N + unknown)
  const best = Math.log((1 - spread + spread / D) / (spread / D)) / margin
  return 1 / (1 + (1 / best - 1) * (N / (N + 50)))
}

describe.each([2, 5])('%i classes', (D) => {
  test('an ensemble is as sure as rows out of fold and two of nothing known make it', () => {
    const { setting, group, stage } = made(D)
    const doubt = { chance: 0.01, caution: 1, prior: new Float32Array(D).fill(1 / D) }
    const ensembles = { patterns: ['1'], weights: { greedy: [Float32Array.of(1, 0)] }, average: 'logits', doubt } as const
    const found = tempered(setting, group, stage, ensembles, 'greedy')
    const scale = scaleBy(2, D, MARGIN)
    expect(found.stage.outOfFold![0]).toBeCloseTo(scale * MARGIN, 3)
    for (const { block } of found.stage.best) expect([...block]).toEqual([...block].map(() => expect.closeTo(scale, 3)))
    const { caution } = found.ensembles.doubt!
    if (D === 2) expect(caution).toBe(1)
    else expect(caution).toBeCloseTo(scaleBy(D, D, MARGIN) / scale, 3)
    expect(tempered(setting, group, stage, ensembles, 'majority-vote')).toEqual({ stage, ensembles })
  })

  test('students alone become surer each by its own, and of two classes stay as they are', () => {
    const { setting, group, stage } = made(D)
    const found = temperedAlone(setting, group, stage)
    if (D === 2) expect(found).toEqual(stage)
    const scales = [MARGIN, MARGIN / 2].map((margin) => scaleBy(2, D, margin) / scaleBy(D, D, margin))
    found.best.forEach(({ block }, i) => {
      expect([...block]).toEqual([...block].map(() => expect.closeTo(scales[i], 3)))
    })
    expect(found.outOfFold![N * D]).toBeCloseTo((scales[1] * MARGIN) / 2, 3)
    const { outOfFold: _, ...held } = stage
    expect(temperedAlone(setting, group, held as StageResult)).toBe(held)
  })
})
