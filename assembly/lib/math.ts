// exp, log, tanh and the logistic function for four floats at a time. Range reduction and polynomials are those of Cephes
// (S. Moshier, netlib.org/cephes, single precision); only + - * / and integer shifts, so every host gets the same bits.

// @ts-ignore: decorator
@inline
const LN2_HIGH: f32 = 0.693359375
// @ts-ignore: decorator
@inline
const LN2_LOW: f32 = -2.12194440e-4

/** eˣ. Error < 1 ulp on [-87.33, 88.72], every float tried; 0 below (no subnormals), ∞ above; NaN stays NaN. */
// @ts-ignore: decorator
@inline
export function exp4(x: v128): v128 {
  const inside = f32x4.max(f32x4.min(x, f32x4.splat(88.7228391)), f32x4.splat(-87.3365402))
  const n = f32x4.nearest(f32x4.mul(inside, f32x4.splat(1.44269504)))
  let r = f32x4.sub(inside, f32x4.mul(n, f32x4.splat(LN2_HIGH)))
  r = f32x4.sub(r, f32x4.mul(n, f32x4.splat(LN2_LOW)))
  let p = f32x4.splat(1.9875691500e-4)
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(1.3981999507e-3))
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(8.3334519073e-3))
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(4.1665795894e-2))
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(1.6666665459e-1))
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(5.0000001201e-1))
  p = f32x4.add(f32x4.add(f32x4.mul(f32x4.mul(p, r), r), r), f32x4.splat(1))
  // 2ⁿ in two factors, because n = 128 has no float of its own.
  const i = i32x4.trunc_sat_f32x4_s(n)
  const half = i32x4.shr_s(i, 1)
  const bias = i32x4.splat(127)
  const scaleA = i32x4.shl(i32x4.add(half, bias), 23)
  const scaleB = i32x4.shl(i32x4.add(i32x4.sub(i, half), bias), 23)
  let y = f32x4.mul(f32x4.mul(p, scaleA), scaleB)
  y = v128.andnot(y, f32x4.lt(x, f32x4.splat(-87.3365402)))
  y = v128.bitselect(f32x4.splat(Infinity), y, f32x4.gt(x, f32x4.splat(88.7228391)))
  return v128.bitselect(x, y, f32x4.ne(x, x))
}

/** ln x. Error < 1 ulp for x > 0, subnormals included; ln 0 = -∞, ln ∞ = ∞, NaN below 0 and for NaN. */
// @ts-ignore: decorator
@inline
export function log4(x: v128): v128 {
  const subnormal = f32x4.lt(x, f32x4.splat(1.17549435e-38))
  const bits = v128.bitselect(f32x4.mul(x, f32x4.splat(8388608)), x, subnormal)
  // x = m · 2ᵉ with m in [√½, √2)
  let e = i32x4.sub(i32x4.shr_u(bits, 23), i32x4.splat(126))
  e = i32x4.sub(e, v128.and(subnormal, i32x4.splat(23)))
  let m = v128.or(v128.and(bits, i32x4.splat(0x007fffff)), i32x4.splat(0x3f000000))
  const small = f32x4.lt(m, f32x4.splat(0.707106781))
  e = i32x4.add(e, small) // true is -1
  m = f32x4.sub(f32x4.add(m, v128.and(m, small)), f32x4.splat(1))
  const n = f32x4.convert_i32x4_s(e)
  let p = f32x4.splat(7.0376836292e-2)
  p = f32x4.add(f32x4.mul(p, m), f32x4.splat(-1.1514610310e-1))
  p = f32x4.add(f32x4.mul(p, m), f32x4.splat(1.1676998740e-1))
  p = f32x4.add(f32x4.mul(p, m), f32x4.splat(-1.2420140846e-1))
  p = f32x4.add(f32x4.mul(p, m), f32x4.splat(1.4249322787e-1))
  p = f32x4.add(f32x4.mul(p, m), f32x4.splat(-1.6668057665e-1))
  p = f32x4.add(f32x4.mul(p, m), f32x4.splat(2.0000714765e-1))
  p = f32x4.add(f32x4.mul(p, m), f32x4.splat(-2.4999993993e-1))
  p = f32x4.add(f32x4.mul(p, m), f32x4.splat(3.3333331174e-1))
  const squared = f32x4.mul(m, m)
  let y = f32x4.mul(f32x4.mul(p, m), squared)
  y = f32x4.add(y, f32x4.mul(n, f32x4.splat(LN2_LOW)))
  y = f32x4.sub(y, f32x4.mul(squared, f32x4.splat(0.5)))
  y = f32x4.add(f32x4.add(m, y), f32x4.mul(n, f32x4.splat(LN2_HIGH)))
  y = v128.bitselect(f32x4.splat(-Infinity), y, f32x4.eq(x, f32x4.splat(0)))
  y = v128.bitselect(x, y, f32x4.eq(x, f32x4.splat(Infinity)))
  return v128.bitselect(y, f32x4.splat(NaN), f32x4.ge(x, f32x4.splat(0)))
}

/** tanh x. Error < 1.5 ulp, odd in every bit, zeros included; NaN stays NaN. */
// @ts-ignore: decorator
@inline
export function tanh4(x: v128): v128 {
  const size = f32x4.abs(x)
  const z = f32x4.mul(x, x)
  let p = f32x4.splat(-5.70498872745e-3)
  p = f32x4.add(f32x4.mul(p, z), f32x4.splat(2.06390887954e-2))
  p = f32x4.add(f32x4.mul(p, z), f32x4.splat(-5.37397155531e-2))
  p = f32x4.add(f32x4.mul(p, z), f32x4.splat(1.33314422036e-1))
  p = f32x4.add(f32x4.mul(p, z), f32x4.splat(-3.33332819422e-1))
  const near = f32x4.add(f32x4.mul(f32x4.mul(p, z), x), x)
  const e = exp4(f32x4.add(size, size))
  const far = f32x4.sub(f32x4.splat(1), f32x4.div(f32x4.splat(2), f32x4.add(e, f32x4.splat(1))))
  const y = v128.bitselect(near, far, f32x4.lt(size, f32x4.splat(0.625)))
  return v128.bitselect(x, y, i32x4.splat(<i32>0x80000000))
}

/** 1 / (1 + e⁻ˣ). Error < 2.5 ulp, subnormals included; 0 below -88.73; NaN stays NaN. */
// @ts-ignore: decorator
@inline
export function sigmoid4(x: v128): v128 {
  return f32x4.div(f32x4.splat(1), f32x4.add(f32x4.splat(1), exp4(f32x4.neg(x))))
}
