import type { TrainKernels } from '../wasm/kernels.ts'
import type { Session } from '../wasm/session.ts'

/** Groups of students with similar losses; cluster 0 has the smallest. */
export interface Clusters {
  readonly k: number
  readonly labels: Int32Array
  /** Mean silhouette of this partition; NaN when k was given or there is only one cluster. */
  readonly silhouette: number
}

/** The partition of finite values into k clusters with the smallest sum of squares. 1 ≤ k ≤ values.length */
export function partition({ kernels, memory }: Session<TrainKernels>, values: Float64Array, k: number): Int32Array {
  const n = values.length
  const mark = memory.mark()
  const x = memory.put(values)
  const labels = memory.alloc(4 * n)
  const scratch = memory.alloc(16 * (n + 1) * (k + 2))
  kernels.kmeans1d(labels, x, scratch, n, k)
  const result = memory.i32(labels, n).slice()
  memory.release(mark)
  return result
}

/** How the number of clusters is found: by the largest mean silhouette, by the elbow of the inertia, or given. */
export type ClusterCount = 'silhouette' | 'elbow' | number

const MOST = 10

/**
 * Clusters of losses. By silhouette k is in 2 … min(10, n - 1), by elbow in 2 … min(10, n) - 1, the smallest of equals; a given k
 * is at most the number of different values. Fewer than three values, or all equal, are one cluster.
 */
export function cluster(session: Session<TrainKernels>, values: Float64Array, count: ClusterCount = 'silhouette'): Clusters {
  const n = values.length
  const distinct = new Set(values).size
  const one: Clusters = { k: 1, labels: new Int32Array(n), silhouette: Number.NaN }
  if (n < 3 || distinct < 2) return one
  if (count !== 'silhouette') {
    const k = count === 'elbow' ? elbow(session, values, Math.min(MOST, distinct)) : Math.min(count, distinct)
    return { k, labels: partition(session, values, k), silhouette: Number.NaN }
  }
  let best = one
  for (let k = 2; k <= Math.min(MOST, n - 1, distinct); k++) {
    const labels = partition(session, values, k)
    const score = silhouette(values, labels, k)
    if (!(score <= best.silhouette)) best = { k, labels, silhouette: score }
  }
  return best
}

/**
 * Where the curve of the mean inertia over k = 1 … most, drawn from 0 to 10, bends most sharply: the smallest angle between the
 * lines to its neighbours (Shi et al., doi 10.1186/s13638-021-01910-w), the smallest k of equals. Two where no k has neighbours.
 */
function elbow(session: Session<TrainKernels>, values: Float64Array, most: number): number {
  const inertia = Array.from({ length: most }, (_, i) => inertiaOf(values, partition(session, values, i + 1), i + 1))
  // It falls with k, so its ends are its range.
  const range = inertia[0] - inertia[most - 1]
  const y = inertia.map((v) => (10 * (v - inertia[most - 1])) / range)
  const squared = (i: number, j: number) => (i - j) * (i - j) + (y[i] - y[j]) * (y[i] - y[j])
  let chosen = 2
  let sharpest = Number.NEGATIVE_INFINITY
  for (let i = 1; i < most - 1; i++) {
    // By the law of cosines: the smaller the angle, the larger its cosine.
    const [a2, b2, c2] = [squared(i, i + 1), squared(i - 1, i), squared(i - 1, i + 1)]
    const cosine = (a2 + b2 - c2) / (2 * Math.sqrt(a2) * Math.sqrt(b2))
    if (cosine > sharpest) {
      sharpest = cosine
      chosen = i + 1
    }
  }
  return chosen
}

/** Mean squared distance from the means of the clusters. */
function inertiaOf(values: Float64Array, labels: Int32Array, k: number): number {
  const sums = new Float64Array(k)
  const sizes = new Float64Array(k)
  labels.forEach((label, i) => {
    sums[label] += values[i]
    sizes[label]++
  })
  const off = values.map((v, i) => v - sums[labels[i]] / sizes[labels[i]])
  return off.reduce((total, v) => total + v * v, 0) / values.length
}

/** Mean silhouette (P. Rousseeuw, 1987) by absolute distance; a value alone in its cluster counts 0. */
export function silhouette(values: Float64Array, labels: Int32Array, k: number): number {
  const sizes = new Float64Array(k)
  for (const label of labels) sizes[label]++
  let total = 0
  values.forEach((value, i) => {
    const own = labels[i]
    if (sizes[own] === 1) return
    const distance = new Float64Array(k)
    values.forEach((other, j) => {
      distance[labels[j]] += Math.abs(value - other)
    })
    const inside = distance[own] / (sizes[own] - 1)
    let outside = Number.POSITIVE_INFINITY
    for (let c = 0; c < k; c++) if (c !== own) outside = Math.min(outside, distance[c] / sizes[c])
    const larger = Math.max(inside, outside)
    if (larger > 0) total += (outside - inside) / larger
  })
  return total / values.length
}
