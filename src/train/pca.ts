import { ConfigError } from '../core/errors.ts'
import type { Projection } from '../fusion/projection.ts'
import type { Source } from '../fusion/student.ts'
import type { TrainKernels } from '../wasm/kernels.ts'
import type { Pointer } from '../wasm/memory.ts'
import type { Session } from '../wasm/session.ts'

/** Principal components of some rows: components (count, features), unit length; mean (features); variance (count), by n - 1. */
export interface Pca {
  readonly components: Float32Array
  readonly mean: Float32Array
  readonly variance: Float64Array
}

/** Operations between two yields: some 25 ms of a slow host. */
const PIECE = 2.5e7

/**
 * Work on 0 … count-1, as ranges that are short enough to be done between two yields. With more than 2000 features one step of
 * the eigenvectors is longer than that, and is a piece of its own.
 * @param operations that one of them takes at most
 */
function* inPieces(count: number, operations: number, work: (first: number, last: number) => void): Generator<void, void> {
  const size = Math.max(1, Math.floor(PIECE / Math.max(operations, 1)))
  for (let first = 0; first < count; first += size) {
    work(first, Math.min(first + size, count))
    yield
  }
}

/**
 * The leading principal components. Sign: the entry of largest size in each is positive.
 * With more features than rows, the eigenvectors of the smaller matrix of products between rows are found instead.
 * @param rows the rows it is fitted on
 * @yields often
 * @throws ConfigError when more components are asked for than there are features or rows less one
 */
export function* fitPca(session: Session<TrainKernels>, source: Source, rows: Int32Array, count: number): Generator<void, Pca> {
  const { kernels, memory } = session
  const n = rows.length
  const D = source.width
  if (count > Math.min(D, n - 1)) {
    throw new ConfigError(
      `pca(${count}) needs ${count} features and ${count + 1} training rows; there are ${D} and ${n}: ask for fewer components`,
    )
  }
  const start = memory.mark()
  const index = memory.put(rows)
  const x = memory.alloc(4 * n * D)
  yield* inPieces(n, D, (first, last) => {
    kernels.gatherRows(x + 4 * first * D, source.at, index + 4 * first, last - first, D, D, source.width)
  })
  const mean = memory.alloc(4 * D)
  kernels.columnMoments(mean, memory.alloc(4 * D), x, n, D, D)
  yield
  const result = yield* D <= n ? fromFeatures(session, x, mean, n, D, count) : fromRows(session, x, mean, n, D, count)
  const fitted = { ...result, mean: memory.f32(mean, D).slice() }
  memory.release(start)
  return fitted
}

/** Bytes of session memory that fitPca takes at its most, but for a few per row. */
export function pcaBytes(rows: number, features: number, count: number): number {
  const side = Math.min(rows, features)
  const fitted = 4 * rows * features + 16 * side * side + 96 * side
  return features <= rows ? fitted : fitted + 8 * rows * features + 4 * count * (rows + features)
}

/** Multiplications that fitPca takes, so that a small one tells how long a large one is. */
export function pcaOperations(rows: number, features: number): number {
  const [side, other] = [Math.min(rows, features), Math.max(rows, features)]
  return side * side * (other + 10 * side)
}

type Axes = Omit<Pca, 'mean'>

/** Eigenvectors of the covariance between features. */
function* fromFeatures(
  session: Session<TrainKernels>,
  x: Pointer,
  mean: Pointer,
  n: number,
  D: number,
  count: number,
): Generator<void, Axes> {
  const { memory } = session
  const matrix = yield* covariance(session, x, mean, n, D)
  const { values, vectors } = yield* eigen(session, matrix, D)
  return {
    components: Float32Array.from(memory.f64(vectors, count * D)),
    variance: memory.f64(values, count).slice(),
  }
}

/** Eigenvectors u of the products between centred rows; the components are Xᵀu, brought to unit length. */
function* fromRows(
  session: Session<TrainKernels>,
  x: Pointer,
  mean: Pointer,
  n: number,
  D: number,
  count: number,
): Generator<void, Axes> {
  const { kernels, memory } = session
  const ones = memory.put(new Float32Array(D).fill(1))
  const centred = memory.alloc(4 * n * D)
  // The covariance takes features as columns: here each row of x is one.
  const turned = memory.alloc(4 * n * D)
  yield* inPieces(n, 4 * D, (first, last) => {
    const at = 4 * first * D
    kernels.standardize(centred + at, x + at, mean, ones, last - first, D, D, D)
    const from = memory.f32(centred + at, (last - first) * D)
    const to = memory.f32(turned, n * D)
    for (let i = first; i < last; i++) for (let j = 0; j < D; j++) to[j * n + i] = from[(i - first) * D + j]
  })
  const matrix = yield* covariance(session, turned, memory.put(new Float32Array(n)), D, n)
  const { values, vectors } = yield* eigen(session, matrix, n)
  const variance = memory.f64(values, count).map((v) => (v * (D - 1)) / (n - 1))
  const u = memory.put(Float32Array.from(memory.f64(vectors, count * n)))
  const rows = memory.alloc(4 * count * D)
  const components = new Float32Array(count * D)
  yield* inPieces(count, 2 * n * D, (first, last) => {
    const at = rows + 4 * first * D
    kernels.gemmNN(at, u + 4 * first * n, centred, last - first, D, n, D, n, D, false)
    components.set(memory.f32(at, (last - first) * D), first * D)
    for (let c = first; c < last; c++) toUnit(components.subarray(c * D, (c + 1) * D))
  })
  return { components, variance }
}

/** To length 1, its entry of largest size positive. */
function toUnit(row: Float32Array): void {
  let squares = 0
  let largest = 0
  for (let j = 0; j < row.length; j++) {
    squares += row[j] * row[j]
    if (Math.abs(row[j]) > Math.abs(row[largest])) largest = j
  }
  const scale = (row[largest] < 0 ? -1 : 1) / (squares > 0 ? Math.sqrt(squares) : 1)
  for (let j = 0; j < row.length; j++) row[j] *= scale
}

/** (D, D) f64 of x (n, D). */
function* covariance(
  { kernels, memory }: Session<TrainKernels>,
  x: Pointer,
  mean: Pointer,
  n: number,
  D: number,
): Generator<void, Pointer> {
  const matrix = memory.alloc(8 * D * D)
  const scratch = memory.alloc(64 * D)
  memory.u8(matrix, 8 * D * D).fill(0)
  // By eights, as the kernel adds them.
  yield* inPieces(Math.ceil(n / 8), 8 * D * D, (first, last) => {
    kernels.addProducts(matrix, x + 32 * first * D, mean, scratch, Math.min(8 * last, n) - 8 * first, D, D)
  })
  // An entry is divided and copied across rows of the matrix: some ten operations.
  yield* inPieces(D, 10 * D, (first, last) => kernels.finishCovariance(matrix, D, first, last, n - 1))
  return matrix
}

/** Eigenvalues (D), largest first, and the eigenvectors (D, D), one per row, of a matrix that is destroyed. */
function* eigen(
  { kernels, memory }: Session<TrainKernels>,
  matrix: Pointer,
  D: number,
): Generator<void, { values: Pointer; vectors: Pointer }> {
  const values = memory.alloc(8 * D)
  const vectors = memory.alloc(8 * D * D)
  const [off, beta, scratch] = [memory.alloc(8 * D), memory.alloc(8 * D), memory.alloc(8 * D)]
  yield* inPieces(D, 6 * D * D, (first, last) => {
    kernels.tridiagonalize(values, off, beta, matrix, scratch, D, first, last)
  })
  yield* inPieces(D, 4 * D * D, (first, last) => {
    kernels.backTransform(vectors, matrix, beta, D, D - last, D - first)
  })
  // A value takes two turns, rarely more, of at most D rotations.
  yield* inPieces(D, 12 * D * D, (first, last) => {
    if (!kernels.implicitQL(values, off, vectors, D, first, last)) {
      throw new ConfigError('PCA found a value that is not finite: look for extreme values in the data')
    }
  })
  yield* inPieces(D, 10 * D, (first, last) => kernels.sortEigen(values, vectors, scratch, D, first, last))
  return { values, vectors }
}

/**
 * A component that varies less than this part of the first is left out: a thousandth of its size says nothing to a student, and
 * its direction is rounding noise. The f32 rows of u leave 1e-7 of the first component in each, which in one a thousandth as
 * large turns it by 1e-4 already; in one without variance it is all there is, and points at columns that training never saw vary.
 */
const LEAST_VARIANCE = 1e-6

/**
 * The frozen layer of a PCA: (x - mean) · componentsᵀ / scale. Components without variance have score 0, whatever comes.
 * @param unit divide by the root of the kept components' mean variance, so that scores are as large as standardised features;
 * without, scores are as scikit-learn's
 */
export function pcaLayer(pca: Pca, modality: number, name: string, unit: boolean): Projection {
  const { components, mean, variance } = pca
  const count = variance.length
  const total = variance.reduce((sum, v) => sum + v, 0)
  const scale = unit && total > 0 ? Math.sqrt(total / count) : 1
  const weight = components.map((v) => v / scale)
  const bias = new Float32Array(count)
  for (let c = 0; c < count; c++) {
    if (!(variance[c] > LEAST_VARIANCE * variance[0])) {
      weight.fill(0, c * mean.length, (c + 1) * mean.length)
      continue
    }
    let sum = 0
    for (let j = 0; j < mean.length; j++) sum += weight[c * mean.length + j] * mean[j]
    bias[c] = -sum
  }
  return { modality, name, weight, bias }
}
