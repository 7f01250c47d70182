import { describe, expect, test } from 'vitest'
import { readGolden } from './golden.ts'
import { agree, f64, indices, input, numbers, output, run, scratch, ulps } from './harness.ts'
import * as reference from './reference.ts'

const random = numbers(12)

function cluster(x: Float64Array<ArrayBuffer>, k: number) {
  const n = x.length
  const { result, outputs } = run('kmeans1d', output(indices(n)), input(x), scratch(16 * (n + 1) * (k + 2)), n, k)
  return { cost: result, labels: [...outputs[0]] }
}

/** Σ of squared distances to the means of the labelled clusters. */
function costOf(x: Float64Array, labels: readonly number[]): number {
  const mean = (label: number) => {
    const members = x.filter((_, i) => labels[i] === label)
    return members.reduce((sum, v) => sum + v, 0) / members.length
  }
  return x.reduce((sum, v, i) => sum + (v - mean(labels[i])) ** 2, 0)
}

/** The best of all ways to put n values into k clusters, the kernel's and the definition's. */
function matches(x: Float64Array<ArrayBuffer>, k: number) {
  const n = x.length
  // Differences of prefix sums: n values of size 1 are squared and added.
  const tolerance = ulps(8, 'f64 prefix sums', 4 * Math.max(...x.map(Math.abs)) ** 2, 53)
  const room = scratch(16 * (n + 1) * (k + 2))
  return agree('kmeans1d', reference.kmeans1d, tolerance, output(indices(n)), input(x), room, n, k)
}

test('kmeans1d is the best of all partitions, neighbours or not, for n ≤ 8', () => {
  for (let n = 1; n <= 8; n++) for (let k = 1; k <= n; k++) matches(random.f64(n), k)
})

test('kmeans1d is the best of all partitions of nine values', () => {
  const x = random.f64(9)
  for (let k = 1; k <= 9; k++) matches(x, k)
})

test('clusters are numbered from the smallest values on, and none is empty', () => {
  for (const n of [10, 23, 60]) {
    for (const k of [2, 3, 7, 10]) {
      const x = random.f64(n)
      const { labels } = cluster(x, k)
      const sorted = [...x.keys()].sort((i, j) => x[i] - x[j]).map((i) => labels[i])
      for (let i = 1; i < n; i++) expect(sorted[i] - sorted[i - 1]).toBeOneOf([0, 1])
      expect([sorted[0], sorted[n - 1]]).toEqual([0, k - 1])
    }
  }
})

test('the cost is that of the labels, and falls with every cluster', () => {
  const x = random.f64(40)
  let before = Number.POSITIVE_INFINITY
  for (let k = 1; k <= 40; k++) {
    const { cost, labels } = cluster(x, k)
    expect(cost).toBeCloseTo(costOf(x, labels), 12)
    expect(cost).toBeLessThanOrEqual(before)
    before = cost
  }
  expect(before).toBe(0)
})

test('one cluster costs n times the variance', () => {
  expect(cluster(f64(1, 2, 3, 4), 1)).toEqual({ cost: 5, labels: [0, 0, 0, 0] })
  expect(cluster(f64(7), 1)).toEqual({ cost: 0, labels: [0] })
})

test('three plain groups are found, in any order of the values', () => {
  const x = f64(5, 0, 9.1, 0.1, 5.2, 9, 0.2)
  expect(cluster(x, 3).labels).toEqual([1, 0, 2, 0, 1, 2, 0])
})

test('of equal partitions the one whose upper clusters begin earliest', () => {
  // {0,1},{2} costs as much as {0},{1,2}.
  expect(cluster(f64(0, 1, 2), 2)).toEqual({ cost: 0.5, labels: [0, 1, 1] })
  expect(cluster(f64(2, 0, 1), 2)).toEqual({ cost: 0.5, labels: [1, 0, 1] })
  // Three clusters of four even steps: one pair, which is the last.
  expect(cluster(f64(0, 1, 2, 3), 3)).toEqual({ cost: 0.5, labels: [0, 1, 2, 2] })
})

test('equal values: no cost, and as many clusters as asked for', () => {
  for (const k of [1, 2, 3, 5]) {
    const { cost, labels } = cluster(f64(4, 4, 4, 4, 4), k)
    expect(cost).toBe(0)
    expect(new Set(labels).size).toBe(k)
  }
  expect(cluster(f64(1, 2, 1, 2, 1), 2)).toEqual({ cost: 0, labels: [0, 1, 0, 1, 0] })
  expect(cluster(f64(4, 4, 2, 4), 3).labels).toEqual([1, 2, 0, 2]) // the first of equals goes to the lower cluster
})

test('values close together far from zero keep their digits', () => {
  const x = f64(1e6, 1e6 + 1e-3, 1e6 + 2, 1e6 + 2.001, 1e6 + 2.002)
  const { cost, labels } = cluster(x, 2)
  expect(labels).toEqual([0, 0, 1, 1, 1])
  expect(cost / costOf(x, labels)).toBeCloseTo(1, 6)
})

test('a student whose loss exploded does not blur the others', () => {
  const x = f64(0.5, 0.52, 1.5, 1.52, 1e12)
  expect(cluster(x, 3).labels).toEqual([0, 0, 1, 1, 2])
})

test('NaN among the values ends, with labels below k', () => {
  for (const k of [1, 2, 4]) {
    const { labels } = cluster(f64(1, Number.NaN, 3, Number.NaN), k)
    for (const label of labels) expect(label >= 0 && label < k).toBe(true)
  }
})

describe('losses of cohorts, as recorded', () => {
  const { cases } = readGolden('kmeans')
  const members = (labels: readonly number[], label: number) => [...labels.keys()].filter((i) => labels[i] === label)

  test.each(cases)('the exact optimum of $losses.length losses, k = $detail.exact.k', ({ losses, detail }) => {
    const { k, best_cluster, worst_cluster } = detail.exact
    const { labels } = cluster(f64(...losses), k)
    expect(members(labels, 0)).toEqual(best_cluster)
    expect(members(labels, k - 1)).toEqual(worst_cluster)
  })

  test("the authors' clusters, wherever k-means with other starts finds the same", () => {
    const agreed = cases.filter((one) => one.all_implementations_agree)
    expect(agreed.length).toBe(36)
    for (const { losses, k, best_cluster_idxs, worst_cluster_idxs } of agreed) {
      const { labels } = cluster(f64(...losses), k)
      expect(members(labels, 0)).toEqual(best_cluster_idxs)
      expect(members(labels, k - 1)).toEqual(worst_cluster_idxs)
    }
  })

  /** Rousseeuw's silhouette, the mean of (b - a) / max(a, b); a cluster of one has 0. */
  function silhouette(x: readonly number[], labels: readonly number[], k: number): number {
    const distance = (i: number, label: number) => {
      const others = members(labels, label).filter((j) => j !== i)
      return others.reduce((sum, j) => sum + Math.abs(x[i] - x[j]), 0) / others.length
    }
    const score = x.map((_, i) => {
      if (members(labels, labels[i]).length === 1) return 0
      const a = distance(i, labels[i])
      const b = Math.min(...[...Array(k).keys()].filter((label) => label !== labels[i]).map((label) => distance(i, label)))
      return (b - a) / Math.max(a, b)
    })
    return score.reduce((sum, s) => sum + s, 0) / x.length
  }

  test('every k has the partition whose silhouette was recorded', () => {
    for (const { losses, detail } of cases) {
      for (const [k, recorded] of Object.entries(detail.exact.silhouette)) {
        const { labels } = cluster(f64(...losses), Number(k))
        expect(silhouette(losses, labels, Number(k))).toBeCloseTo(recorded, 9)
      }
    }
  })
})
