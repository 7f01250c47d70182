// Least squares on views of the same latent factors: students whose errors are known in closed form.

import type { Random } from '../wasm/random.ts'

/** One value a row. */
export type Vector = Float64Array

/** Columns of a teacher: those of its student, half of them and half of another modality's, or only the other's. */
export const VIEWS = ['same', 'half', 'other'] as const
export type View = (typeof VIEWS)[number]

/** Rows of two modalities that see the same latent factors through noise, and an outcome that is linear in the factors. */
export interface Study {
  readonly own: readonly Vector[]
  readonly other: readonly Vector[]
  /** The outcome without noise. */
  readonly truth: Vector
  /** The outcome with standard normal noise. */
  readonly labels: Vector
}

export const ROWS = 24
/** Of each modality. */
export const COLUMNS = 4
const FACTORS = 5

export function studyOf(random: Random): Study {
  const factors = Array.from({ length: FACTORS }, (_, k) => normals(random.fork(`factor ${k}`), ROWS))
  const mix = (weights: ArrayLike<number>): Vector =>
    new Float64Array(ROWS).map((_, i) => sum(factors, (z, k) => weights[k] * z[i]))
  const column = (stream: Random): Vector =>
    plus(mix(stream.fork('weights').uniform(FACTORS, -1, 1)), 1, normals(stream.fork('noise'), ROWS))
  const modality = (name: string) => Array.from({ length: COLUMNS }, (_, c) => column(random.fork(`${name} ${c}`)))
  const truth = mix(random.fork('effects').uniform(FACTORS, -1, 1))
  return { own: modality('own'), other: modality('other'), truth, labels: plus(truth, 1, normals(random.fork('labels'), ROWS)) }
}

export function columnsOf({ own, other }: Study, view: View): readonly Vector[] {
  if (view === 'half') return [...own.slice(0, COLUMNS / 2), ...other.slice(0, COLUMNS / 2)]
  return view === 'same' ? own : other
}

/** An orthonormal basis of a constant and the columns (Gram and Schmidt, against one vector after the other). */
export function basisOf(columns: readonly Vector[]): Vector[] {
  const basis: Vector[] = []
  for (const column of [new Float64Array(ROWS).fill(1), ...columns]) {
    const rest = basis.reduce((left, q) => plus(left, -dot(q, left), q), column)
    const length = Math.sqrt(dot(rest, rest))
    basis.push(rest.map((v) => v / length))
  }
  return basis
}

/** What least squares on a basis makes of labels y: H y, with the hat matrix H = Σ q qᵀ. */
export function fitted(basis: readonly Vector[], labels: Vector): Vector {
  const out = new Float64Array(labels.length)
  for (const q of basis) {
    const along = dot(q, labels)
    for (let i = 0; i < out.length; i++) out[i] += along * q[i]
  }
  return out
}

/** What minimises |y - f|² + ρ |f - f_T|² over a basis: the fit to labels blended with the teacher's outputs. */
export const fittedShared = (basis: readonly Vector[], labels: Vector, teacher: Vector, rho: number): Vector =>
  fitted(
    basis,
    labels.map((y, i) => (y + rho * teacher[i]) / (1 + rho)),
  )

/** tr H H_T: how many dimensions two bases have in common, the squared cosines between them summed. */
export const overlap = (a: readonly Vector[], b: readonly Vector[]): number => sum(a, (p) => sum(b, (q) => dot(p, q) * dot(p, q)))

export const normals = (random: Random, n: number): Vector => Float64Array.from(random.normal(n))

export function dot(a: Vector, b: Vector): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i]
  return sum
}

/** a + scale · b */
export function plus(a: Vector, scale: number, b: Vector): Vector {
  const out = new Float64Array(a.length)
  for (let i = 0; i < a.length; i++) out[i] = a[i] + scale * b[i]
  return out
}

const sum = <T>(items: readonly T[], value: (item: T, i: number) => number): number =>
  items.reduce((total, item, i) => total + value(item, i), 0)
