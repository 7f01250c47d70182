// Helpers that every kernel inlines. Nothing here touches memory that its caller does not own.
//
// The tail rule: a row of n floats is n / 4 whole vectors and n % 4 floats over. The rest is loaded into a vector whose
// other lanes are zero, goes through the same vector operation as the body, and only its own lanes are stored. So a
// value does not depend on where in a row it stands, and no kernel reads or writes past its arrays.

/** Bytes of n 32-bit words. */
// @ts-ignore: decorator
@inline
export function words(n: i32): usize {
  return (<usize>n) << 2
}

/**
 * a · b + c. The one operation in which the two builds differ: rounded twice, the same everywhere; under relaxed SIMD once
 * where the processor multiplies and adds in one go, which is faster.
 */
// @ts-ignore: decorator
@inline
export function madd(a: v128, b: v128, c: v128): v128 {
  return ASC_FEATURE_RELAXED_SIMD ? f32x4.relaxed_madd(a, b, c) : f32x4.add(c, f32x4.mul(a, b))
}

/** The n (1 to 3) floats at p; the other lanes are 0. */
// @ts-ignore: decorator
@inline
export function loadTail(p: usize, n: i32): v128 {
  if (n == 1) return v128.load32_zero(p)
  const low = v128.load64_zero(p)
  return n == 2 ? low : v128.load_lane<f32>(p, low, 2, 8)
}

/** Stores the first n (1 to 3) lanes of x at p. */
// @ts-ignore: decorator
@inline
export function storeTail(p: usize, x: v128, n: i32): void {
  if (n == 1) {
    v128.store_lane<f32>(p, x, 0)
  } else {
    v128.store_lane<i64>(p, x, 0)
    if (n == 3) v128.store_lane<f32>(p, x, 2, 8)
  }
}

/** All ones in the first n (0 to 4) lanes, zero elsewhere: for operations whose result on a zero lane is not zero. */
// @ts-ignore: decorator
@inline
export function firstLanes(n: i32): v128 {
  return i32x4.lt_s(i32x4(0, 1, 2, 3), i32x4.splat(n))
}

/** ((x0 + x1) + (x2 + x3)): one fixed order. */
// @ts-ignore: decorator
@inline
export function sumLanes(x: v128): f32 {
  return (f32x4.extract_lane(x, 0) + f32x4.extract_lane(x, 1)) + (f32x4.extract_lane(x, 2) + f32x4.extract_lane(x, 3))
}

/** The largest lane; NaN if any lane is. */
// @ts-ignore: decorator
@inline
export function maxLanes(x: v128): f32 {
  return max(max(f32x4.extract_lane(x, 0), f32x4.extract_lane(x, 1)), max(f32x4.extract_lane(x, 2), f32x4.extract_lane(x, 3)))
}

/** Lanes 0 and 1 as two doubles. */
// @ts-ignore: decorator
@inline
export function lowF64(x: v128): v128 {
  return f64x2.promote_low_f32x4(x)
}

/** Lanes 2 and 3 as two doubles. */
// @ts-ignore: decorator
@inline
export function highF64(x: v128): v128 {
  return f64x2.promote_low_f32x4(i32x4.shuffle(x, x, 2, 3, 2, 3))
}

/** x0 + x1 of two doubles. */
// @ts-ignore: decorator
@inline
export function sumLanesF64(x: v128): f64 {
  return f64x2.extract_lane(x, 0) + f64x2.extract_lane(x, 1)
}
