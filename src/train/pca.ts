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

/**
 * The leading principal components. Sign: the entry of largest size in each is positive.
 * With more features than rows, the eigenvectors of the smaller matrix of products between rows are found instead.
 * @param rows the rows it is fitted on
 * @throws ConfigError when more components are asked for than there are features or rows less one
 */
export function fitPca(session: Session<TrainKernels>, source: Source, rows: Int32Array, count: number): Pca {
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
  kernels.gatherRows(x, source.at, index, n, D, D, source.width)
  const mean = memory.alloc(4 * D)
  kernels.columnMoments(mean, memory.alloc(4 * D), x, n, D, D)
  const result = D <= n ? fromFeatures(session, x, mean, n, D, count) : fromRows(session, x, mean, n, D, count)
  const fitted = { ...result, mean: memory.f32(mean, D).slice() }
  memory.release(start)
  return fitted
}

type Axes = Omit<Pca, 'mean'>

/** Eigenvectors of the covariance between features. */
function fromFeatures(session: Session<TrainKernels>, x: Pointer, mean: Pointer, n: number, D: number, count: number): Axes {
  const { kernels, memory } = session
  const matrix = memory.alloc(8 * D * D)
  kernels.covariance(matrix, x, mean, memory.alloc(64 * D), n, D, D)
  const { values, vectors } = eigen(session, matrix, D)
  return {
    components: Float32Array.from(memory.f64(vectors, count * D)),
    variance: memory.f64(values, count).slice(),
  }
}

/** Eigenvectors u of the products between centred rows; the components are Xᵀu, brought to unit length. */
function fromRows(session: Session<TrainKernels>, x: Pointer, mean: Pointer, n: number, D: number, count: number): Axes {
  const { kernels, memory } = session
  const ones = memory.put(new Float32Array(D).fill(1))
  const centred = memory.alloc(4 * n * D)
  kernels.standardize(centred, x, mean, ones, n, D, D, D)
  // The covariance kernel takes features as columns: here each row of x is one.
  const turned = memory.alloc(4 * n * D)
  const from = memory.f32(centred, n * D)
  const to = memory.f32(turned, n * D)
  for (let i = 0; i < n; i++) for (let j = 0; j < D; j++) to[j * n + i] = from[i * D + j]
  const zeros = memory.put(new Float32Array(n))
  const matrix = memory.alloc(8 * n * n)
  kernels.covariance(matrix, turned, zeros, memory.alloc(64 * n), D, n, n)
  const { values, vectors } = eigen(session, matrix, n)
  const variance = memory.f64(values, count).map((v) => (v * (D - 1)) / (n - 1))
  const u = memory.put(Float32Array.from(memory.f64(vectors, count * n)))
  const rows = memory.alloc(4 * count * D)
  kernels.gemmNN(rows, u, centred, count, D, n, D, n, D, false)
  const components = memory.f32(rows, count * D).slice()
  for (let c = 0; c < count; c++) {
    const row = components.subarray(c * D, (c + 1) * D)
    let squares = 0
    let largest = 0
    for (let j = 0; j < D; j++) {
      squares += row[j] * row[j]
      if (Math.abs(row[j]) > Math.abs(row[largest])) largest = j
    }
    const scale = (row[largest] < 0 ? -1 : 1) / (squares > 0 ? Math.sqrt(squares) : 1)
    for (let j = 0; j < D; j++) row[j] *= scale
  }
  return { components, variance }
}

function eigen({ kernels, memory }: Session<TrainKernels>, matrix: Pointer, D: number): { values: Pointer; vectors: Pointer } {
  const values = memory.alloc(8 * D)
  const vectors = memory.alloc(8 * D * D)
  if (!kernels.symmetricEigen(values, vectors, matrix, memory.alloc(24 * D), D)) {
    throw new ConfigError('PCA found a value that is not finite: look for extreme values in the data')
  }
  return { values, vectors }
}

/**
 * The frozen layer of a PCA: (x - mean) · componentsᵀ / scale.
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
    let sum = 0
    for (let j = 0; j < mean.length; j++) sum += weight[c * mean.length + j] * mean[j]
    bias[c] = -sum
  }
  return { modality, name, weight, bias }
}
