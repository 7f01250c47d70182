import { beforeAll, describe, expect, test } from 'vitest'
import {
  bestRho,
  type Cell,
  confirms,
  type Estimate,
  type Moments,
  RHOS,
  sharedError,
  sharingHelps,
  slopeAtZero,
  type Theory,
  theory,
} from '../../src/experiments/theory.ts'
import { trainSession } from '../kernels/kernels.ts'

/** A fixed seed, so a test passes always or never; with 330 measurements none should be this many standard errors off by chance. */
const BAND = 5

let result: Theory
let cells: Cell<object>[]
beforeAll(() => {
  result = theory(trainSession(), 1, 1000)
  cells = [...result.drawn, ...result.fitted]
})

/** Standard errors between what was measured and the closed form; what does not vary must be it but for rounding. */
const off = ({ expected, measured, se }: Estimate) => Math.max(0, Math.abs(measured - expected) - 1e-12) / Math.max(se, 1e-300)

const verdicts = (claim: (moments: Moments) => boolean) => cells.map((cell) => confirms(cell.slope, claim(cell.expected)))
const count = <T>(values: readonly T[], value: T) => values.filter((v) => v === value).length

describe('the closed forms', () => {
  const grid = [0.25, 1, 4].flatMap((teacher) =>
    [-0.5, 0, 0.5, 0.99].map((c) => ({ student: 1, teacher, product: c * Math.sqrt(teacher) })),
  )

  test('slope is the derivative of the error at 0', () => {
    for (const moments of grid) {
      const numeric = (sharedError(moments, 1e-5) - sharedError(moments, -1e-5)) / 2e-5
      expect(numeric).toBeCloseTo(slopeAtZero(moments), 8) // The square of the step.
    }
  })

  test('no ρ has a lower error than the best one', () => {
    for (const moments of grid) {
      const best = bestRho(moments)
      const least = best === Number.POSITIVE_INFINITY ? moments.teacher : sharedError(moments, best)
      const others = Array.from({ length: 10_000 }, (_, i) => sharedError(moments, i / 100))
      expect(Math.min(...others)).toBeGreaterThanOrEqual(least - 1e-12)
    }
  })

  test('a teacher that is better than the student always helps, whatever their errors have in common', () => {
    for (const moments of grid.filter((m) => m.teacher < m.student)) expect(sharingHelps(moments)).toBe(true)
  })

  test('a teacher that errs like its student changes nothing', () => {
    const same = { student: 1, teacher: 1, product: 1 }
    expect([sharingHelps(same), bestRho(same), sharedError(same, 3)]).toEqual([false, 0, 1])
  })
})

describe('the measured errors', () => {
  test('are those of the closed form, at every ρ', () => {
    const wrong = cells.flatMap(({ setting, slope, shared }) =>
      [slope, ...shared.flatMap(({ error, change }) => [error, change])]
        .filter((e) => off(e) > BAND)
        .map((e) => ({ setting, e })),
    )
    expect(wrong).toEqual([])
    expect(cells).toHaveLength(25 + 30)
    expect(cells.every(({ shared }) => shared.map(({ rho }) => rho).join() === RHOS.join())).toBe(true)
  })

  test('have the best ρ of the closed form', () => {
    // As ρ / (1 + ρ), which is 1 at ∞. Where the errors are nearly the same the best ρ is not determined, and nothing depends on it.
    const part = (rho: number) => (rho === Number.POSITIVE_INFINITY ? 1 : rho / (1 + rho))
    for (const { best, expected } of cells) {
      const apart = expected.student + expected.teacher - 2 * expected.product
      if (apart > 1e-9) expect(Math.abs(part(best.measured) - part(best.expected))).toBeLessThan(0.05)
    }
  })
})

describe('the claim E⟨eᵢ, e_T⟩ < E|eᵢ|²', () => {
  test('tells the sign of the slope wherever that can be told', () => {
    const said = verdicts(sharingHelps)
    expect(count(said, false)).toBe(0)
    // Nothing can be told on the boundary: twice where errors are drawn, twice where the teacher has the student's view, once near it.
    expect(count(said, undefined)).toBeLessThanOrEqual(6)
    expect(cells.filter((cell) => confirms(cell.slope, false)).length).toBeGreaterThanOrEqual(6)
    expect(cells.filter((cell) => confirms(cell.slope, true)).length).toBeGreaterThanOrEqual(35)
  })

  test('tells whether the smallest ρ lowers the error, where the closed form does not turn before it', () => {
    for (const { expected, shared } of cells) {
      const [{ rho, change }] = shared
      const turned = bestRho(expected) > 0 && bestRho(expected) < rho
      if (!turned) expect(confirms(change, sharingHelps(expected))).not.toBe(false)
    }
  })

  test.each<[string, (moments: Moments) => boolean]>([
    ["the teacher's error in place of the student's", (m) => m.product < m.teacher],
    ['that the teacher must be the better one', (m) => m.teacher < m.student],
    ['that errors must not be correlated', (m) => m.product <= 0],
    ['that sharing always helps', () => true],
  ])('cannot be replaced by %s', (_, claim) => {
    expect(count(verdicts(claim), false)).toBeGreaterThan(3)
  })
})

describe('least squares', () => {
  const cellOf = (view: string, noise: number, correlation: number) =>
    result.fitted.find(({ setting: s }) => s.view === view && s.noise === noise && s.correlation === correlation) as Cell<object>

  test('a worse teacher with uncorrelated errors lowers the error, one with the same errors doubled raises it', () => {
    const [help, harm] = [0, 1].map((correlation) => cellOf('same', 2, correlation))
    for (const { expected } of [help, harm]) expect(expected.teacher).toBeGreaterThan(expected.student)
    expect(confirms(help.shared[0].change, true)).toBe(true)
    expect(help.shared[0].change.measured).toBeLessThan(0)
    expect(confirms(harm.shared[0].change, false)).toBe(true)
    expect(harm.shared[0].change.measured).toBeGreaterThan(0)
  })

  test('the less the views have in common, the more sharing helps', () => {
    const slopes = ['same', 'half', 'other'].map((view) => cellOf(view, 1, 1).slope.measured)
    expect(slopes[0]).toBeGreaterThan(slopes[1])
    expect(slopes[1]).toBeGreaterThan(slopes[2])
  })

  test('sharing begins to harm where the closed form says', () => {
    // With the same view and twice the noise E⟨eᵢ, e_T⟩ - E|eᵢ|² is (2 τ - 1) tr H a row.
    const [same] = result.boundaries
    expect({ view: same.view, noise: same.noise }).toEqual({ view: 'same', noise: 2 })
    expect(same.expected).toBeCloseTo(0.5, 12)
    for (const boundary of result.boundaries) {
      expect(off(boundary)).toBeLessThan(BAND)
      expect(boundary.se).toBeLessThan(0.03)
    }
  })

  test('is where gradient descent on the shared loss arrives', () => {
    // Outputs of size 1 in f32, whose steps no longer change them.
    expect(result.trained.map(({ rho }) => rho)).toEqual(RHOS)
    for (const { apart } of result.trained) expect(apart).toBeLessThan(2e-6)
  })
})

test('an average errs by the mean error less the spread', () => {
  const { average, mean, spread } = result.ambiguity
  expect(spread).toBeGreaterThan(0.01)
  expect(average).toBeCloseTo(mean - spread, 6) // Outputs are f32.
})

test('the same seed gives the same numbers, another one others', () => {
  const run = (seed: number) => theory(trainSession(), seed, 3)
  expect(run(5)).toEqual(run(5))
  expect(run(6).drawn[0].slope.measured).not.toBe(run(5).drawn[0].slope.measured)
})

test('leaves the memory as it was', () => {
  const session = trainSession()
  const mark = session.memory.mark()
  theory(session, 1, 2)
  expect(session.memory.mark()).toBe(mark)
})
