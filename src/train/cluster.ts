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

/**
 * Clusters of losses, their number the one with the largest mean silhouette: k in 2 … min(10, n - 1), the smallest of equals.
 * Fewer than three values, or all equal, are one cluster.
 */
export function cluster(session: Session<TrainKernels>, values: Float64Array): Clusters {
  const n = values.length
  const distinct = new Set(values).size
  let best: Clusters = { k: 1, labels: new Int32Array(n), silhouette: Number.NaN }
  for (let k = 2; k <= Math.min(10, n - 1, distinct); k++) {
    const labels = partition(session, values, k)
    const score = silhouette(values, labels, k)
    if (!(score <= best.silhouette)) best = { k, labels, silhouette: score }
  }
  return best
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
