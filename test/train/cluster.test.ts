import { describe, expect, test } from 'vitest'
import { cluster, silhouette } from '../../src/train/cluster.ts'
import { chooseTeachers } from '../../src/train/mutual.ts'
import { numbers } from '../kernels/harness.ts'
import { trainSession } from '../kernels/kernels.ts'

const session = trainSession()
const clustersOf = (...values: number[]) => {
  const { k, labels } = cluster(session, Float64Array.from(values))
  return { k, labels: [...labels] }
}
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
