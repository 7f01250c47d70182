import { describe, expect, test } from 'vitest'
import { type ClusterCount, cluster, silhouette } from '../../src/train/cluster.ts'
import { BY_CLUSTER, chooseTeachers, TEACHERS, type TeacherSpec } from '../../src/train/mutual.ts'
import { numbers } from '../kernels/harness.ts'
import { trainSession } from '../kernels/kernels.ts'

const session = trainSession()
const counted = (values: number[], count: ClusterCount) => {
  const { k, labels } = cluster(session, Float64Array.from(values), count)
  return { k, labels: [...labels] }
}
const clustersOf = (...values: number[]) => counted(values, 'silhouette')
const teachersOf = (...losses: number[]) => {
  const { k, members, weights } = chooseTeachers(session, Float64Array.from(losses))
  return { k, members, weights: [...weights] }
}
const silhouetteOf = (values: number[], labels: number[], k: number) =>
  silhouette(Float64Array.from(values), Int32Array.from(labels), k)

describe('silhouette', () => {
  test('by hand', () => {
    // 0: (10.5 - 1) / 10.5; 1: (9.5 - 1) / 9.5; the same of 10 and 11.
    expect(silhouetteOf([0, 1, 10, 11], [0, 0, 1, 1], 2)).toBeCloseTo((2 * (9.5 / 10.5 + 8.5 / 9.5)) / 4, 14)
    expect(silhouetteOf([0, 1, 10], [0, 0, 1], 2)).toBeCloseTo((9 / 10 + 8 / 9 + 0) / 3, 14)
    // Worse than none: 0 is 10 from its own and 6 from the others, and so all round.
    expect(silhouetteOf([0, 10, 1, 11], [0, 0, 1, 1], 2)).toBeCloseTo((6 / 10 - 1 + 5 / 10 - 1) / 2, 14)
  })

  test('the nearest other cluster counts', () => {
    const near = silhouetteOf([0, 0.1, 1, 1.1, 50, 50.1], [0, 0, 1, 1, 2, 2], 3)
    const far = silhouetteOf([0, 0.1, 1, 1.1, 5000, 5000.1], [0, 0, 1, 1, 2, 2], 3)
    expect(near).toBeCloseTo(far, 2)
    expect(near).toBeLessThan(1)
  })

  test('equal values in two clusters have none', () => {
    expect(silhouetteOf([2, 2, 2, 2], [0, 0, 1, 1], 2)).toBe(0)
  })

  test('neither unit nor offset matters', () => {
    const random = numbers(1)
    const [x, labels] = [Array.from(random.f64(20)), Array.from(random.i32(20, 3))]
    expect(
      silhouetteOf(
        x.map((v) => 1024 * v),
        labels,
        3,
      ),
    ).toBe(silhouetteOf(x, labels, 3))
    expect(
      silhouetteOf(
        x.map((v) => v + 5),
        labels,
        3,
      ),
    ).toBeCloseTo(silhouetteOf(x, labels, 3), 12)
  })
})

describe('clusters of losses', () => {
  test.each([
    [[0.1, 0.11, 5, 0.12, 5.1], 2, [0, 0, 1, 0, 1]],
    [[9, 1, 5, 1.1, 5.1, 9.1], 3, [2, 0, 1, 0, 1, 2]],
    [[1, 2, 9], 2, [0, 0, 1]],
    [[1, 8, 9], 2, [0, 1, 1]],
  ])('%j are %d', (values, k, labels) => {
    expect(clustersOf(...values)).toEqual({ k, labels })
  })

  test.each([[[]], [[3]], [[1, 2]], [[4, 4, 4]], [[4, 4, 4, 4, 4, 4, 4]]])(
    '%j are one: there is nothing to tell apart',
    (values) => {
      expect(clustersOf(...values)).toEqual({ k: 1, labels: values.map(() => 0) })
    },
  )

  test('two values, each several times, are two', () => {
    expect(clustersOf(3, 1, 3, 1, 1)).toEqual({ k: 2, labels: [1, 0, 1, 0, 0] })
  })

  test('at most ten, and never as many as there are values', () => {
    const groups = Array.from({ length: 14 }, (_, g) => [100 * g, 100 * g + 0.001]).flat()
    expect(clustersOf(...groups).k).toBe(10)
    const steps = Array.from({ length: 6 }, (_, i) => 2 ** (3 * i))
    expect(clustersOf(...steps).k).toBeLessThan(6)
  })

  test('of equal silhouettes the fewest clusters', () => {
    const x = [0, 0, 0, 2, 3, 5]
    expect(silhouetteOf(x, [0, 0, 0, 1, 1, 1], 2)).toBe(2 / 3)
    expect(silhouetteOf(x, [0, 0, 0, 1, 1, 2], 3)).toBe(2 / 3)
    expect(clustersOf(...x)).toEqual({ k: 2, labels: [0, 0, 0, 1, 1, 1] })
  })

  test('the order of the values does not matter', () => {
    const x = Array.from(numbers(8).f64(24, 0.2, 3))
    const found = clustersOf(...x)
    const back = clustersOf(...[...x].reverse())
    expect(back).toEqual({ k: found.k, labels: [...found.labels].reverse() })
  })
})

/** The partition of values into k by trying every cut of their order: labels and mean inertia. Values differ. */
function tried(values: number[], k: number): { labels: number[]; inertia: number } {
  const sorted = [...values].sort((a, b) => a - b)
  const off = (part: number[]) => part.reduce((sum, v) => sum + (v - part.reduce((a, b) => a + b) / part.length) ** 2, 0)
  const best = (from: number, parts: number): { cuts: number[]; cost: number } => {
    if (parts === 1) return { cuts: [], cost: off(sorted.slice(from)) }
    let found = { cuts: [] as number[], cost: Number.POSITIVE_INFINITY }
    for (let cut = from + 1; cut <= sorted.length - parts + 1; cut++) {
      const rest = best(cut, parts - 1)
      const cost = off(sorted.slice(from, cut)) + rest.cost
      if (cost < found.cost) found = { cuts: [cut, ...rest.cuts], cost }
    }
    return found
  }
  const { cuts, cost } = best(0, k)
  return {
    labels: values.map((v) => cuts.filter((cut) => sorted.indexOf(v) >= cut).length),
    inertia: cost / values.length,
  }
}

describe('as many clusters as asked for', () => {
  test('are the partition with the smallest sum of squares, 0 the lowest', () => {
    const random = numbers(31)
    for (const n of [3, 5, 8]) {
      const values = Array.from(random.f64(n, 0.1, 4))
      for (let k = 1; k <= n; k++) expect(counted(values, k)).toEqual({ k, labels: tried(values, k).labels })
    }
  })

  test('are no more than there are different values', () => {
    expect(counted([2, 1, 2, 1, 5], 4)).toEqual({ k: 3, labels: [1, 0, 1, 0, 2] })
    expect(counted([3, 3, 3], 2)).toEqual({ k: 1, labels: [0, 0, 0] })
    expect(counted([1, 9], 2)).toEqual({ k: 1, labels: [0, 0] })
  })
})

describe('as many as the elbow says', () => {
  /** The interior point of the curve with the smallest angle, by the arc cosine; axes as in METHOD: inertia, scaled to 0 … 10, and k. */
  function naive(values: number[]): number {
    const most = Math.min(10, new Set(values).size)
    const inertia = Array.from({ length: most }, (_, i) => tried(values, i + 1).inertia)
    const [low, high] = [Math.min(...inertia), Math.max(...inertia)]
    const points = inertia.map((v, i) => [(10 * (v - low)) / (high - low), i + 1])
    const between = (p: number[], q: number[]) => Math.hypot(p[0] - q[0], p[1] - q[1])
    const angles = points.slice(1, -1).map((point, i) => {
      const [a, b, c] = [between(point, points[i + 2]), between(points[i], point), between(points[i], points[i + 2])]
      return Math.acos((a * a + b * b - c * c) / (2 * a * b))
    })
    return angles.length > 0 ? 2 + angles.indexOf(Math.min(...angles)) : 2
  }

  test.each([
    ['three pairs', [0, 0.01, 10, 10.01, 20, 20.01], 3],
    ['two groups, one far off', [0, 0.1, 0.2, 50, 50.1, 50.2], 2],
    ['four groups', [0, 0.1, 10, 10.1, 20.2, 20.3, 30.6, 30.7], 4],
    ['three values', [1, 2, 9], 2],
  ])('%s: %j have their sharpest bend at %d', (_, values, k) => {
    expect(counted(values, 'elbow')).toEqual({ k, labels: tried(values, k).labels })
    expect(naive(values)).toBe(k)
  })

  test('on cohorts of every size, as by the arc cosine', () => {
    const random = numbers(32)
    const found = [3, 4, 6, 9, 11, 13].flatMap((n) =>
      [1, 2].map(() => {
        const values = Array.from(random.f64(n, 0.2, 3))
        const { k } = counted(values, 'elbow')
        expect(k).toBe(naive(values))
        return k
      }),
    )
    expect(new Set(found).size).toBeGreaterThan(1)
  })

  test('neither unit nor offset matters', () => {
    const values = Array.from(numbers(33).f64(12, 0.2, 3))
    const found = counted(values, 'elbow')
    expect(
      counted(
        values.map((v) => 1024 * v),
        'elbow',
      ),
    ).toEqual(found)
    expect(
      counted(
        values.map((v) => v + 2),
        'elbow',
      ),
    ).toEqual(found)
  })

  test('of two different values, or of one, there is no bend', () => {
    expect(counted([4, 1, 4, 1, 1], 'elbow')).toEqual({ k: 2, labels: [1, 0, 1, 0, 0] })
    expect(counted([4, 4, 4, 4], 'elbow')).toEqual({ k: 1, labels: [0, 0, 0, 0] })
  })
})

describe('teachers', () => {
  test('are the best cluster, all with the same weight', () => {
    expect(teachersOf(5, 0.1, 5.1, 0.12, 0.11)).toEqual({
      k: 2,
      members: [1, 3, 4],
      weights: [0, 1 / 3, 0, 1 / 3, 1 / 3].map(Math.fround),
    })
  })

  test('of one or two students are all of them', () => {
    expect(teachersOf(7)).toEqual({ k: 1, members: [0], weights: [1] })
    expect(teachersOf(1, 100)).toEqual({ k: 1, members: [0, 1], weights: [0.5, 0.5] })
  })

  test('of students with equal losses are all of them', () => {
    expect(teachersOf(2, 2, 2, 2)).toEqual({ k: 1, members: [0, 1, 2, 3], weights: [0.25, 0.25, 0.25, 0.25] })
  })

  test('may be one alone, who then has the whole weight', () => {
    expect(teachersOf(0.1, 5, 5.01, 5.02, 5.03)).toEqual({ k: 2, members: [0], weights: [1, 0, 0, 0, 0] })
  })

  test('are never students without a finite loss, and those do not change who is', () => {
    const [no, nan] = [Number.POSITIVE_INFINITY, Number.NaN]
    expect(teachersOf(5, no, 0.1, 5.1, nan, 0.12, 0.11, no)).toEqual({
      k: 2,
      members: [2, 5, 6],
      weights: [0, 0, 1 / 3, 0, 0, 1 / 3, 1 / 3, 0].map(Math.fround),
    })
    expect(teachersOf(no, 3, nan)).toEqual({ k: 1, members: [1], weights: [0, 1, 0] })
    expect(teachersOf(no, nan)).toEqual({ k: 1, members: [], weights: [0, 0] })
    expect(teachersOf()).toEqual({ k: 1, members: [], weights: [] })
  })

  test('are all the others, good or not, where one student is far off: the silhouette sees only that one', () => {
    expect(teachersOf(0.5, 0.52, 1.5, 1.52)).toMatchObject({ k: 2, members: [0, 1] })
    expect(teachersOf(0.5, 0.52, 1.5, 1.52, 1e30)).toMatchObject({ k: 2, members: [0, 1, 2, 3] })
  })

  test('take nothing of the session', () => {
    const before = session.memory.mark()
    teachersOf(5, 0.1, 5.1, 0.12, 0.11)
    expect(session.memory.mark()).toBe(before)
  })
})

describe('teachers that are found otherwise', () => {
  const chosen = (spec: Partial<TeacherSpec>, ...losses: number[]) => {
    const { k, members, weights } = chooseTeachers(session, Float64Array.from(losses), { ...BY_CLUSTER, ...spec })
    return { k, members, weights: [...weights] }
  }
  const [no, nan] = [Number.POSITIVE_INFINITY, Number.NaN]
  const f = (...values: number[]) => values.map(Math.fround)

  test('best: the one with the smallest loss, the first of equals', () => {
    expect(chosen({ teachers: 'best' }, 3, no, 1, 2, 1)).toEqual({ k: 0, members: [2], weights: [0, 0, 1, 0, 0] })
  })

  test('uniform: everyone with a finite loss, alike', () => {
    expect(chosen({ teachers: 'uniform' }, 3, no, 1, nan)).toEqual({ k: 0, members: [0, 2], weights: [0.5, 0, 0.5, 0] })
  })

  test.each(['inverse-loss', 'adaptive'] as const)('%s: everyone, by the power of the inverse of the loss', (teachers) => {
    expect(chosen({ teachers }, 1, no, 4)).toEqual({ k: 0, members: [0, 2], weights: f(0.8, 0, 0.2) })
    expect(chosen({ teachers, scale: 0.5 }, 1, no, 4).weights).toEqual(f(2 / 3, 0, 1 / 3))
    expect(chosen({ teachers, scale: 2 }, 1, no, 4).weights).toEqual(f(16 / 17, 0, 1 / 17))
    expect(chosen({ teachers, scale: 0 }, 1, no, 4).weights).toEqual([0.5, 0, 0.5])
    for (const scale of [1.5, 2.5, 10]) {
      const powers = [1.3, 0.7, 2.9].map((loss) => loss ** -scale)
      const sum = powers.reduce((a, b) => a + b)
      chosen({ teachers, scale }, 1.3, 0.7, 2.9).weights.forEach((w, i) => {
        expect(w).toBeCloseTo(powers[i] / sum, 7)
      })
    }
  })

  test('a loss of 0 counts as a trillionth: its weight is finite, and nearly all', () => {
    const { weights } = chosen({ teachers: 'inverse-loss', scale: 10 }, 0, 1, 1)
    expect(weights.every(Number.isFinite)).toBe(true)
    expect(weights[0]).toBe(1)
  })

  test('worst-cluster: those of the highest losses, however the clusters were counted', () => {
    const losses = [5, 0.1, 5.1, 0.12, 9, 9.1]
    expect(chosen({ teachers: 'worst-cluster' }, ...losses)).toEqual({ k: 3, members: [4, 5], weights: [0, 0, 0, 0, 0.5, 0.5] })
    expect(chosen({ teachers: 'worst-cluster', clusters: 2 }, ...losses)).toMatchObject({ k: 2, members: [0, 2, 4, 5] })
    expect(chosen({ teachers: 'worst-cluster', clusters: 1 }, ...losses)).toMatchObject({ k: 1, members: [0, 1, 2, 3, 4, 5] })
    expect(chosen({ teachers: 'worst-cluster' }, 1, no, 1, 1)).toMatchObject({ k: 1, members: [0, 2, 3] })
  })

  test('cluster: with the count that was asked for', () => {
    const losses = [5, 0.1, 5.1, 0.12, 9, 9.1]
    expect(chosen({ clusters: 2 }, ...losses)).toMatchObject({ k: 2, members: [1, 3] })
    expect(chosen({ clusters: 5 }, 1, 2, 4, 8, 16)).toMatchObject({ k: 5, members: [0], weights: [1, 0, 0, 0, 0] })
    expect(chosen({ clusters: 'elbow' }, 0, 0.01, 10, 10.01, 20, 20.01)).toMatchObject({ k: 3, members: [0, 1] })
  })

  test.each(TEACHERS)('%s: nobody where no loss is finite', (teachers) => {
    expect(chosen({ teachers }, no, nan)).toMatchObject({ members: [], weights: [0, 0] })
  })
})
