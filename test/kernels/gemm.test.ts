import { expect, test } from 'vitest'
import { agree, BITS, type Cells, FUSED, f32, floats, inPlace, input, numbers, output, run, shapes, ulps } from './harness.ts'
import * as reference from './reference.ts'

const KERNELS = ['gemmNN', 'gemmNT', 'gemmTN'] as const
type Kernel = (typeof KERNELS)[number]
interface Shape {
  M: number
  N: number
  K: number
}

const inOrder = reference.inOrder(FUSED)
const exact = { gemmNN: reference.gemmNN, gemmNT: reference.gemmNT, gemmTN: reference.gemmTN }

// None, one and several tiles of 5×8 and of 6×8, each with every rest; vectors of four along k.
const ROWS = [...Array(14).keys(), 15, 17]
const STEPS = [...Array(10).keys(), 12, 15, 17]
const COLUMNS = [...Array(18).keys(), 31, 33]
const random = numbers(1)

/** The kernel's arguments: a stored (M,K) or (K,M), b (K,N) or (N,K), each row `gap` longer than its width. */
function product(name: Kernel, { M, N, K }: Shape, a: Cells, b: Cells, c: Cells | null, gap = 0) {
  const [aColumns, bColumns] = [name === 'gemmTN' ? M : K, name === 'gemmNT' ? K : N]
  const [ldc, lda, ldb] = [N + gap, aColumns + 2 * gap, bColumns + 3 * gap]
  const out = c ? inPlace(c, N, ldc) : output(floats(M * N), N, ldc)
  return [out, input(a, aColumns, lda), input(b, bColumns, ldb), M, N, K, ldc, lda, ldb, c !== null] as const
}

const bitsMatch = (name: Kernel, s: Shape, values: (n: number) => Cells, accumulate: boolean, gap: number) =>
  agree(
    name,
    inOrder[name],
    BITS,
    ...product(name, s, values(s.M * s.K), values(s.K * s.N), accumulate ? values(s.M * s.N) : null, gap),
  )

test.each(KERNELS)('%s has the bits of the loop over k, for every small size', (name) => {
  for (const shape of shapes({ M: ROWS, N: COLUMNS, K: STEPS })) {
    for (const accumulate of [false, true]) for (const gap of [0, 3]) bitsMatch(name, shape, random.f32, accumulate, gap)
  }
})

test.each(KERNELS)('%s has the bits of the loop over k, across the ends of the blocks', (name) => {
  const long = shapes({ M: [64, 65, 66, 67, 133], N: [8, 9], K: [511, 512, 513, 1025] })
  const short = shapes({ M: [519, 520, 521, 528, 529, 1057], N: [8, 9], K: [63, 64] }) // the shorter K, the more rows in a block
  for (const shape of [...long, ...short]) {
    for (const accumulate of [false, true]) bitsMatch(name, shape, random.f32, accumulate, accumulate ? 5 : 0)
  }
})

test.each(KERNELS)('%s has the bits of the loop over k, for zeros of both signs, infinities and NaN', (name) => {
  const odd = [0, -0, 1, -1, Number.POSITIVE_INFINITY, Number.NaN]
  for (const count of [4, 6]) {
    const values = (n: number) => Float32Array.from(random.i32(n, count), (i) => odd[i])
    for (const shape of shapes({ M: [1, 5, 6], N: [1, 8, 11], K: [1, 2, 7] })) {
      for (const accumulate of [false, true]) bitsMatch(name, shape, values, accumulate, 1)
    }
  }
})

test.each(KERNELS)('%s is the matrix product', (name) => {
  for (const s of shapes({ M: [1, 5, 66], N: [1, 9, 17], K: [1, 8, 515] })) {
    // Each step rounds a product and a sum; sums of K values below 1 in size stay below √K here.
    const tolerance = ulps(s.K + 1, 'one rounding per step', Math.sqrt(s.K))
    for (const c of [null, random.f32(s.M * s.N)]) {
      agree(name, exact[name], tolerance, ...product(name, s, random.f32(s.M * s.K), random.f32(s.K * s.N), c))
    }
  }
})

test('an element does not depend on the matrix around it', () => {
  const [M, N, K] = [70, 19, 600]
  const [a, b] = [random.f32(M * K), random.f32(N * K)]
  const whole = run('gemmNT', ...product('gemmNT', { M, N, K }, a, b, null)).outputs[0]
  for (const [m, n] of [
    [0, 0],
    [3, 7],
    [64, 8],
    [67, 16],
    [69, 18],
  ]) {
    const row = a.slice(m * K, (m + 1) * K)
    const column = b.slice(n * K, (n + 1) * K)
    const alone = run('gemmNT', ...product('gemmNT', { M: 1, N: 1, K }, row, column, null)).outputs[0]
    expect(alone[0]).toBe(whole[m * N + n])
  }
})

test('an empty sum is zero, or leaves C alone', () => {
  const none = floats(0)
  expect([...run('gemmNN', ...product('gemmNN', { M: 2, N: 2, K: 0 }, none, none, null)).outputs[0]]).toEqual([0, 0, 0, 0])
  const c = f32(1, -0, 3, 4)
  expect(run('gemmNN', ...product('gemmNN', { M: 2, N: 2, K: 0 }, none, none, c)).outputs[0]).toEqual(c)
})

test('the three kernels are one product, stored in three ways', () => {
  const a = f32(1, 2, 3, 4, 5, 6) // (2,3)
  const aT = f32(1, 4, 2, 5, 3, 6)
  const b = f32(7, 8, 9, 10, 11, 12) // (3,2)
  const bT = f32(7, 9, 11, 8, 10, 12)
  const shape = { M: 2, N: 2, K: 3 }
  const answer = [58, 64, 139, 154]
  expect([...run('gemmNN', ...product('gemmNN', shape, a, b, null)).outputs[0]]).toEqual(answer)
  expect([...run('gemmNT', ...product('gemmNT', shape, a, bT, null)).outputs[0]]).toEqual(answer)
  expect([...run('gemmTN', ...product('gemmTN', shape, aT, b, null)).outputs[0]]).toEqual(answer)
})
