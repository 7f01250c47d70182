// When sharing helps, checked. A student errs by eᵢ, its teacher, as far as the student can follow it, by e_T. The student that
// minimises |y - f|² + ρ |f - f_T|² over a linear class is (fᵢ + ρ f_T) / (1 + ρ), so it errs by the convex combination of both,
// and a small ρ lowers E|e|² exactly when E⟨eᵢ, e_T⟩ < E|eᵢ|². docs/THEORY.md derives it.

import { studentOf } from '../fusion/student.ts'
import { summarize } from '../metrics/summary.ts'
import { ADAM } from '../train/optimizer.ts'
import type { Problem } from '../train/problem.ts'
import { mutual } from '../train/sharing.ts'
import { planOf, trainBatch } from '../train/step.ts'
import type { TrainKernels } from '../wasm/kernels.ts'
import { type Random, randomFrom } from '../wasm/random.ts'
import type { Session } from '../wasm/session.ts'
import {
  basisOf,
  COLUMNS,
  columnsOf,
  dot,
  fitted,
  fittedShared,
  normals,
  overlap,
  plus,
  ROWS,
  type Study,
  studyOf,
  type Vector,
  VIEWS,
  type View,
} from './views.ts'

/** E|eᵢ|², E|e_T|² and E⟨eᵢ, e_T⟩: means over rows, in squared units of the outcome. */
export interface Moments {
  readonly student: number
  readonly teacher: number
  readonly product: number
}

/** E|(eᵢ + ρ e_T) / (1 + ρ)|². */
export const sharedError = ({ student, teacher, product }: Moments, rho: number): number =>
  (student + 2 * rho * product + rho * rho * teacher) / ((1 + rho) * (1 + rho))

/** The derivative of that by ρ at 0. */
export const slopeAtZero = ({ student, product }: Moments): number => 2 * (product - student)

/** Moments that differ by less than this part of them are the same but for rounding. */
const ROUNDING = 1e-12

/** The claim: a small ρ > 0 lowers the error. */
export const sharingHelps = ({ student, product }: Moments): boolean => student - product > ROUNDING * student

/** The ρ of the lowest error: 0 where sharing does not help, ∞ where more of it always does. */
export function bestRho(moments: Moments): number {
  const { student, teacher, product } = moments
  if (!sharingHelps(moments)) return 0
  return teacher > product ? (student - product) / (teacher - product) : Number.POSITIVE_INFINITY
}

/** What the closed form says, what was measured, and the measurement's standard error. */
export interface Estimate {
  readonly expected: number
  readonly measured: number
  readonly se: number
}

/** One setting of the experiment, over many draws. */
export interface Cell<Setting> {
  readonly setting: Setting
  readonly expected: Moments
  readonly measured: Moments
  /** Derivative of the error by ρ at 0. */
  readonly slope: Estimate
  /** The ρ of the lowest error, from the moments. */
  readonly best: { readonly expected: number; readonly measured: number }
  /** At each of RHOS: the error of the student that shares, and how far it is above that of the one that does not. */
  readonly shared: readonly { readonly rho: number; readonly error: Estimate; readonly change: Estimate }[]
}

/** Errors drawn as such, normal: the student's of variance 1, the teacher's of this variance and this correlation with it. */
export interface DrawnErrors {
  readonly teacherError: number
  readonly correlation: number
}

/** Least squares: the noise in the student's labels has the variance 1, that in the teacher's this deviation and correlation with it. */
export interface FittedErrors {
  readonly view: View
  readonly noise: number
  readonly correlation: number
}

/** The correlation of the label noise beyond which sharing harms. */
export interface Boundary extends Estimate {
  readonly view: View
  readonly noise: number
}

export interface Theory {
  readonly seed: number
  readonly draws: number
  readonly drawn: readonly Cell<DrawnErrors>[]
  readonly fitted: readonly Cell<FittedErrors>[]
  /** Of the teachers that have one between 0 and 1. */
  readonly boundaries: readonly Boundary[]
  /** How far at most the outputs that the library trains by gradient descent are from the closed form, in units of the outcome. */
  readonly trained: readonly { readonly rho: number; readonly apart: number }[]
  /** Squared errors of three students, of their average, and their spread around it, by the kernels that train. */
  readonly ambiguity: { readonly average: number; readonly mean: number; readonly spread: number }
}

/** Strengths of sharing that are measured; the first is small. */
export const RHOS: readonly number[] = [0.05, 0.25, 1, 4]

/** Standard errors within which a measured sign says nothing. */
const NOISE_BAND = 4

/** Whether a measured change has the sign that was claimed; undefined within the noise. */
export const confirms = ({ measured, se }: Estimate, lowers: boolean): boolean | undefined =>
  Math.abs(measured) <= NOISE_BAND * se + ROUNDING ? undefined : measured < 0 === lowers

const TEACHER_ERRORS = [0.25, 0.5, 1, 2, 4]
const CORRELATIONS = [0, 0.25, 0.5, 0.75, 1]
const NOISES = [1, 2]

/**
 * Runs the whole experiment.
 * @param draws repetitions of every cell; 2000 take some seconds
 */
export function theory(session: Session<TrainKernels>, seed: number, draws = 2000): Theory {
  const random = randomFrom(session, seed).fork('theory')
  const study = studyOf(random.fork('study'))
  const drawn = pairs(TEACHER_ERRORS, CORRELATIONS).map(([teacherError, correlation]) =>
    drawErrors({ teacherError, correlation }, draws, random.fork(`drawn ${teacherError} ${correlation}`)),
  )
  const cells = VIEWS.flatMap((view) =>
    pairs(NOISES, CORRELATIONS).map(([noise, correlation]) =>
      fitErrors(study, { view, noise, correlation }, draws, random.fork(`fitted ${view} ${noise} ${correlation}`)),
    ),
  )
  return {
    seed,
    draws,
    drawn,
    fitted: cells,
    boundaries: pairs(VIEWS, NOISES).flatMap(([view, noise]) => boundaryOf(cells, view, noise) ?? []),
    trained: RHOS.map((rho) => ({ rho, apart: trainedApart(session, study, rho) })),
    ambiguity: ambiguityOf(session, study),
  }
}

const pairs = <A, B>(a: readonly A[], b: readonly B[]): [A, B][] => a.flatMap((x) => b.map((y): [A, B] => [x, y]))

/** |eᵢ|², |e_T|² and ⟨eᵢ, e_T⟩ of one draw, and |e|² after sharing at each of RHOS. */
interface Draw extends Moments {
  readonly shared: readonly number[]
}

function drawOf(student: Vector, teacher: Vector, shared: (rho: number) => Vector): Draw {
  const product = (a: Vector, b: Vector) => dot(a, b) / a.length
  return {
    student: product(student, student),
    teacher: product(teacher, teacher),
    product: product(student, teacher),
    shared: RHOS.map((rho) => {
      const error = shared(rho)
      return product(error, error)
    }),
  }
}

function cellOf<Setting>(setting: Setting, expected: Moments, draws: readonly Draw[]): Cell<Setting> {
  const estimate = (expected: number, value: (draw: Draw) => number): Estimate => {
    const { mean: measured, se } = summarize(draws.map(value))
    return { expected, measured, se }
  }
  const mean = (key: keyof Moments) => estimate(expected[key], (draw) => draw[key]).measured
  const measured = { student: mean('student'), teacher: mean('teacher'), product: mean('product') }
  return {
    setting,
    expected,
    measured,
    slope: estimate(slopeAtZero(expected), slopeAtZero),
    best: { expected: bestRho(expected), measured: bestRho(measured) },
    shared: RHOS.map((rho, r) => {
      const error = sharedError(expected, rho)
      return {
        rho,
        error: estimate(error, (draw) => draw.shared[r]),
        change: estimate(error - expected.student, (draw) => draw.shared[r] - draw.student),
      }
    }),
  }
}

/** Vectors of variance 1, of which the second has this correlation with the first. */
function correlated(correlation: number, random: Random, n: number): [Vector, Vector] {
  const first = normals(random.fork('student'), n)
  const rest = Math.sqrt(1 - correlation * correlation)
  return [first, normals(random.fork('teacher'), n).map((v, i) => correlation * first[i] + rest * v)]
}

function drawErrors(setting: DrawnErrors, draws: number, random: Random): Cell<DrawnErrors> {
  const { teacherError, correlation } = setting
  const size = Math.sqrt(teacherError)
  const [own, theirs] = correlated(correlation, random, draws * ROWS)
  const errors = Array.from({ length: draws }, (_, draw) => {
    const e = own.subarray(draw * ROWS, (draw + 1) * ROWS)
    const t = theirs.subarray(draw * ROWS, (draw + 1) * ROWS).map((v) => size * v)
    return drawOf(e, t, (rho) => plus(e, rho, t).map((v) => v / (1 + rho)))
  })
  return cellOf(setting, { student: 1, teacher: teacherError, product: correlation * size }, errors)
}

function fitErrors(study: Study, setting: FittedErrors, draws: number, random: Random): Cell<FittedErrors> {
  const { truth } = study
  const basis = basisOf(study.own)
  const theirBasis = basisOf(columnsOf(study, setting.view))
  const [own, theirs] = correlated(setting.correlation, random, draws * ROWS)
  const error = (outputs: Vector) => plus(outputs, -1, truth)
  const errors = Array.from({ length: draws }, (_, draw) => {
    const labels = plus(truth, 1, own.subarray(draw * ROWS, (draw + 1) * ROWS))
    const teacher = fitted(theirBasis, plus(truth, setting.noise, theirs.subarray(draw * ROWS, (draw + 1) * ROWS)))
    const shared = (rho: number) => error(fittedShared(basis, labels, teacher, rho))
    return drawOf(error(fitted(basis, labels)), error(fitted(basis, teacher)), shared)
  })
  return cellOf(setting, momentsOf(truth, basis, theirBasis, setting), errors)
}

/**
 * With the hat matrices H and H_T: the student errs by H y - f, so E|eᵢ|² = |H f - f|² + tr H; what it can follow of its teacher by
 * H H_T y_T - f, so E|e_T|² = |H H_T f - f|² + k² tr H H_T; and E⟨eᵢ, e_T⟩ = ⟨H f - f, H H_T f - f⟩ + k τ tr H H_T.
 */
function momentsOf(
  truth: Vector,
  own: readonly Vector[],
  theirs: readonly Vector[],
  { noise, correlation }: FittedErrors,
): Moments {
  const common = overlap(own, theirs)
  const bias = plus(fitted(own, truth), -1, truth)
  const theirBias = plus(fitted(own, fitted(theirs, truth)), -1, truth)
  return {
    student: (dot(bias, bias) + own.length) / ROWS,
    teacher: (dot(theirBias, theirBias) + noise * noise * common) / ROWS,
    product: (dot(bias, theirBias) + noise * correlation * common) / ROWS,
  }
}

/** The slope is linear in the correlation, so its zero follows from those at 0 and 1, and its standard error from theirs. */
function boundaryOf(cells: readonly Cell<FittedErrors>[], view: View, noise: number): Boundary | undefined {
  const [none, full] = cells
    .filter(({ setting: s }) => s.view === view && s.noise === noise && (s.correlation === 0 || s.correlation === 1))
    .map(({ slope }) => slope)
  const expected = none.expected / (none.expected - full.expected)
  if (!(expected > 0 && expected < 1 - ROUNDING)) return undefined
  const rise = full.measured - none.measured
  const a = full.measured * none.se
  const b = none.measured * full.se
  return { view, noise, expected, measured: -none.measured / rise, se: Math.sqrt(a * a + b * b) / (rise * rise) }
}

const STEPS = 3000

/**
 * A linear student on its own modality and a lone teacher on the other one, trained by the library on all rows at once: the teacher
 * comes to rest at least squares, the student where the closed form has it.
 */
function trainedApart(session: Session<TrainKernels>, study: Study, rho: number): number {
  const { memory } = session
  const mark = memory.mark()
  const problem = problemOf(session, study)
  const plan = planOf(problem, ROWS)
  for (const { block, size } of plan.states) memory.f32(block, 3 * size).fill(0)
  const objective = mutual(plan, { rho, teachers: Float32Array.of(0, 1) })
  const optimizer = { ...ADAM, kind: 'sgd', rate: 0.02 / (1 + rho), momentum: 0.9 } as const
  for (let step = 0; step < STEPS; step++) trainBatch(plan, problem.train, objective, optimizer)
  const [{ block, size }] = plan.states
  const [bias, ...weights] = [...memory.f32(block, size)].reverse()
  memory.release(mark)
  const start = new Float64Array(ROWS).fill(bias)
  const outputs = study.own.reduce((out, column, c) => plus(out, weights[COLUMNS - 1 - c], column), start)
  const teacher = fitted(basisOf(study.other), study.labels)
  const closed = fittedShared(basisOf(study.own), study.labels, teacher, rho)
  return plus(outputs, -1, closed).reduce((most, d) => Math.max(most, Math.abs(d)), 0)
}

function problemOf(session: Session<TrainKernels>, { own, other, labels }: Study): Problem {
  const { memory } = session
  const linear = { hidden: [], activation: 'identity', outputs: 1 } as const
  const raw = { kind: 'raw' } as const
  const skip = { kind: 'skip' } as const
  const students = [
    [raw, skip],
    [skip, raw],
  ].map((extractors) => studentOf({ ...linear, extractors }, [COLUMNS, COLUMNS]))
  const table = (columns: readonly Vector[]) =>
    memory.put(Float32Array.from({ length: ROWS * COLUMNS }, (_, k) => columns[k % COLUMNS][Math.floor(k / COLUMNS)]))
  const all = new Uint8Array(ROWS).fill(1)
  const rows = Int32Array.from(all.keys())
  return {
    session,
    students,
    sees: [all, all],
    sources: new Map([own, other].map((columns, m) => [students[m].ports[0].source, { at: table(columns), width: COLUMNS }])),
    target: { task: 'regression', at: memory.put(Float32Array.from(labels)), outputs: 1 },
    train: rows,
    validation: rows,
  }
}

/** The average errs by the mean squared error less the spread (Krogh and Vedelsby 1995). */
function ambiguityOf({ kernels, memory }: Session<TrainKernels>, study: Study): Theory['ambiguity'] {
  const mark = memory.mark()
  const M = VIEWS.length
  const outputs = VIEWS.map((view) => fitted(basisOf(columnsOf(study, view)), study.labels))
  const all = memory.put(Float32Array.from(outputs.flatMap((values) => [...values])))
  const truth = memory.put(Float32Array.from(study.truth))
  const each = memory.put(new Float32Array(ROWS).fill(1 / ROWS))
  const equal = memory.put(new Float32Array(M * ROWS).fill(1 / M))
  const [average, taught, apart] = VIEWS.map(() => memory.alloc(4 * ROWS))
  kernels.consensus(average, taught, all, equal, M, ROWS, 1)
  kernels.spread(apart, average, all, equal, false, M, ROWS, 1)
  const error = (out: number) => kernels.squaredError(out, truth, each, ROWS, 1)
  const result = {
    average: error(average),
    mean: VIEWS.reduce((sum, _, m) => sum + error(all + 4 * m * ROWS) / M, 0),
    spread: kernels.dot(each, apart, ROWS),
  }
  memory.release(mark)
  return result
}
