import { describe, expect, test } from 'vitest'
import { project } from '../../src/fusion/projection.ts'
import { fitPca, type Pca, pcaBytes, pcaLayer } from '../../src/train/pca.ts'
import { countPauses, finish } from '../finish.ts'
import { numbers } from '../kernels/harness.ts'
import { trainSession } from '../kernels/kernels.ts'

type Matrix = number[][]
const session = trainSession()
const { memory } = session

/** The leading components of the given rows of x. */
function pcaOf(x: Matrix, count: number, rows = x.map((_, row) => row)): Pca {
  const source = { at: memory.put(Float32Array.from(x.flat())), width: x[0].length }
  return finish(fitPca(session, source, Int32Array.from(rows), count))
}
const axes = ({ components, mean }: Pca): Matrix =>
  Array.from({ length: components.length / mean.length }, (_, c) =>
    Array.from(components.subarray(c * mean.length, (c + 1) * mean.length)),
  )
/** Scores of all rows of x, as students get them. */
function scores(x: Matrix, pca: Pca, unit = false): Matrix {
  const count = pca.variance.length
  const source = { at: memory.put(Float32Array.from(x.flat())), width: x[0].length }
  const { at, width } = project(session, source, pcaLayer(pca, 0, `pca(${count})`, unit), x.length)
  expect(width).toBe(count)
  return x.map((_, row) => Array.from(memory.f32(at + 4 * row * count, count)))
}
const dot = (a: readonly number[], b: readonly number[]) => a.reduce((sum, v, i) => sum + v * b[i], 0)
const random = numbers(21)
/** Rows whose columns vary by different amounts, around an offset. */
const cloud = (n: number, d: number): Matrix =>
  Array.from({ length: n }, () => Array.from(random.f32(d), (v, j) => 3 + v * (1 + ((7 * j) % d))))

/** Features fewer and more than rows: the two ways it is computed. */
const SHAPES = [
  [40, 6],
  [12, 12],
  [12, 30],
]

test('of points on a line: that line, and the variance along it', () => {
  const pca = pcaOf(
    [
      [1, 2, 5],
      [2, 4, 5],
      [3, 6, 5],
      [4, 8, 5],
    ],
    1,
  )
  const norm = Math.sqrt(5)
  expect(
    axes(pca)[0]
      .map((v, j) => v - [1 / norm, 2 / norm, 0][j])
      .every((e) => Math.abs(e) < 1e-6),
  ).toBe(true)
  expect([...pca.mean]).toEqual([2.5, 5, 5])
  expect(pca.variance[0]).toBeCloseTo((5 * 5) / 3, 5)
})

describe.each(SHAPES)('%d rows of %d features', (n, d) => {
  const x = cloud(n, d)
  const count = Math.min(5, n - 1, d)
  const pca = pcaOf(x, count)

  test('components are of unit length and at right angles', () => {
    axes(pca).forEach((a, i) => {
      axes(pca).forEach((b, j) => {
        expect(dot(a, b)).toBeCloseTo(i === j ? 1 : 0, 5)
      })
    })
  })

  test('scores have mean 0 and the variances that are reported, falling, and do not vary together', () => {
    const z = scores(x, pca)
    for (let a = 0; a < count; a++) {
      expect(z.reduce((sum, row) => sum + row[a], 0) / n).toBeCloseTo(0, 4)
      for (let b = 0; b < count; b++) {
        const together = z.reduce((sum, row) => sum + row[a] * row[b], 0) / (n - 1)
        expect(together / pca.variance[0]).toBeCloseTo(a === b ? pca.variance[a] / pca.variance[0] : 0, 5)
      }
    }
    for (let c = 1; c < count; c++) expect(pca.variance[c]).toBeLessThanOrEqual(pca.variance[c - 1])
  })

  test('no direction varies more than the first', () => {
    const spread = (axis: number[]) => {
      const along = x.map((row) => dot(row, axis))
      const centre = along.reduce((a, b) => a + b) / n
      return along.reduce((sum, v) => sum + (v - centre) ** 2, 0) / (n - 1)
    }
    for (let trial = 0; trial < 200; trial++) {
      const axis = Array.from(random.f32(d))
      const length = Math.sqrt(dot(axis, axis))
      expect(spread(axis.map((v) => v / length))).toBeLessThanOrEqual(pca.variance[0] * (1 + 1e-6))
    }
  })

  test('the largest entry of each component is positive, whatever the sign of the data', () => {
    for (const axis of axes(pca)) expect(Math.max(...axis)).toBe(Math.max(...axis.map(Math.abs)))
    const turned = pcaOf(
      x.map((row) => row.map((v) => -v)),
      count,
    )
    axes(turned).forEach((axis, c) => {
      axis.forEach((v, j) => {
        expect(v).toBeCloseTo(axes(pca)[c][j], 5)
      })
    })
  })

  test('fewer components are the first of more', () => {
    const two = pcaOf(x, 2)
    expect(two.components).toEqual(pca.components.slice(0, 2 * d))
    expect(two.variance).toEqual(pca.variance.slice(0, 2))
  })

  test('other rows than those it is fitted on change nothing', () => {
    const more = [...cloud(3, d), ...x, ...cloud(4, d)]
    const rows = x.map((_, row) => row + 3)
    expect(pcaOf(more, count, rows)).toEqual(pca)
  })

  test('in unit scores the kept variance is 1 on average', () => {
    const [plain, unit] = [scores(x, pca), scores(x, pca, true)]
    const mean = pca.variance.reduce((a, b) => a + b) / count
    const z = unit.flat()
    expect(z.reduce((sum, v) => sum + v * v, 0) / (n - 1) / count).toBeCloseTo(1, 5)
    plain.flat().forEach((v, i) => {
      expect(z[i]).toBeCloseTo(v / Math.sqrt(mean), 4)
    })
  })

  test('as many components as there can be tell everything', () => {
    const most = Math.min(d, n - 1)
    const whole = pcaOf(x, most)
    const [z, directions] = [scores(x, whole), axes(whole)]
    x.forEach((row, i) => {
      row.forEach((v, j) => {
        expect(whole.mean[j] + directions.reduce((sum, axis, c) => sum + z[i][c] * axis[j], 0)).toBeCloseTo(v, 3)
      })
    })
  })

  test('it leaves the memory as it was', () => {
    const source = { at: memory.put(Float32Array.from(x.flat())), width: d }
    const before = memory.mark()
    const rows = Int32Array.from({ length: n }, (_, i) => i)
    finish(fitPca(session, source, rows, count))
    expect(memory.mark()).toBe(before)
  })
})

test('by features and by rows it is the same', () => {
  // Each row twice: 16 rows of 12 features, where 8 rows of 12 are computed the other way.
  const x = cloud(8, 12)
  const [byRows, byFeatures] = [pcaOf(x, 4), pcaOf([...x, ...x], 4)]
  byRows.components.forEach((v, i) => {
    expect(v).toBeCloseTo(byFeatures.components[i], 5)
  })
  byRows.variance.forEach((v, c) => {
    expect((byFeatures.variance[c] * 15) / 14 / v).toBeCloseTo(1, 5)
  })
  expect(byFeatures.mean).toEqual(byRows.mean)
})

describe.each(SHAPES)('%d rows of %d features, some of them constant', (n, d) => {
  test('a constant column is in no component, and its new values are not seen', () => {
    const x = cloud(n, d).map((row) => row.map((v, j) => (j === 1 ? 7 : v)))
    const pca = pcaOf(x, 2)
    for (const axis of axes(pca)) expect(Math.abs(axis[1])).toBeLessThan(1e-6)
    const other = x.map((row) => row.map((v, j) => (j === 1 ? 70 : v)))
    scores(other, pca).forEach((row, i) => {
      row.forEach((v, c) => {
        expect(v).toBeCloseTo(scores(x, pca)[i][c], 3)
      })
    })
  })

  test('where nothing varies the scores are 0', () => {
    const x = Array.from({ length: n }, () => Array(d).fill(2))
    const pca = pcaOf(x, 2)
    expect(Math.max(...pca.variance)).toBe(0)
    for (const unit of [false, true]) for (const v of scores(x, pca, unit).flat()) expect(Math.abs(v)).toBe(0)
  })
})

describe.each(SHAPES)('%d rows of %d features, of rank 2', (n, d) => {
  // Two columns of numbers, the others their sums, and a last one that is constant.
  const x = cloud(n, 2).map(([a, b]) => Array.from({ length: d }, (_, j) => (j === d - 1 ? 1 : j * a + (j % 3) * b)))
  const count = Math.min(5, n - 1, d)
  const pca = pcaOf(x, count)

  test('components that vary by rounding alone have no score, whatever comes', () => {
    const other = x.map((row) => row.map((v, j) => (j === d - 1 ? 100 : v + j * j)))
    for (const unit of [false, true]) {
      for (const row of [...scores(x, pca, unit), ...scores(other, pca, unit)]) {
        expect(row.slice(2).map(Math.abs)).toEqual(Array(count - 2).fill(0))
        expect(row.slice(0, 2)).not.toContain(0)
      }
    }
  })

  test('one that varies a hundredth as much as the first is kept', () => {
    const faint = x.map((row, i) => row.map((v, j) => (j === d - 1 ? 0.01 * Math.sqrt(pca.variance[0]) * (i % 2) : v)))
    const { weight } = pcaLayer(pcaOf(faint, 3), 0, 'pca(3)', false)
    expect(Math.hypot(...weight.subarray(2 * d))).toBeCloseTo(1, 3)
  })
})

test.each([
  [30, 1000],
  [5000, 300],
])('%d rows of %d features: it pauses', (n, d) => {
  const source = { at: memory.put(random.f32(n * d)), width: d }
  const rows = Int32Array.from({ length: n }, (_, i) => i)
  const { result, pauses } = countPauses(fitPca(session, source, rows, 3))
  // 25 million operations between two: sums of 5000 · 300² products, and ten or so 300³ for the vectors, are twenty such pieces.
  expect(pauses).toBeGreaterThan(d === 300 ? 20 : 6)
  expect(result.variance).toHaveLength(3)
})

test.each([
  [10, 4, 5, 'pca(5) needs 5 features and 6 training rows; there are 4 and 10: ask for fewer components'],
  [4, 10, 4, 'pca(4) needs 4 features and 5 training rows; there are 10 and 4: ask for fewer components'],
  [1, 10, 1, 'pca(1) needs 1 features and 2 training rows; there are 10 and 1: ask for fewer components'],
])('%d rows of %d features have no %d components', (n, d, count, sentence) => {
  const x = cloud(n, d)
  expect(() => pcaOf(x, count)).toThrow(expect.objectContaining({ name: 'ConfigError', message: sentence }))
})

test('a value that is not finite is refused', () => {
  const x = cloud(9, 3)
  x[4][1] = Number.POSITIVE_INFINITY
  expect(() => pcaOf(x, 2)).toThrow('PCA found a value that is not finite: look for extreme values in the data')
})

test.each([
  [300, 260],
  [200, 500],
])('the memory of %d rows of %d features is known before, to a hundredth and a page', (n, d) => {
  const { kernels, memory } = trainSession()
  const source = { at: memory.put(numbers(5).f32(n * d)), width: d }
  const before = memory.mark()
  finish(
    fitPca(
      { kernels, memory },
      source,
      Int32Array.from({ length: n }, (_, row) => row),
      20,
    ),
  )
  const taken = memory.size() - before
  expect(Math.abs(pcaBytes(n, d, 20) - taken)).toBeLessThan(0.01 * taken + 65536)
})
