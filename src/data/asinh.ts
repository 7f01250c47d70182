// Functions that a host may round as it likes, in f64 with + - * / and sqrt alone: the same bits everywhere.

/** From here on asinh(x) is ln(2 x) in every digit, and x² need not be had. */
const LARGE = 1e8

/** asinh, to some 1e-16 of 1. It is x near 0 and grows like the logarithm of |x| far from it. */
export function asinh(x: number): number {
  if (!Number.isFinite(x)) return x
  const size = Math.abs(x)
  const value = size > LARGE ? ln(size) + Math.LN2 : ln(size + Math.sqrt(size * size + 1))
  return x < 0 ? -value : value
}

/** The natural logarithm of a finite x ≥ 1: x = m 2ᵏ with m near 1, and ln m = 2 artanh((m - 1) / (m + 1)). */
function ln(x: number): number {
  let [m, k] = [x, 0]
  for (; m > 1e9; k += 30) m /= 2 ** 30
  for (; m > Math.SQRT2; k++) m /= 2
  const s = (m - 1) / (m + 1)
  const square = s * s
  let sum = 0
  // |s| ≤ 0.172: the term after these is below 1e-17.
  for (let n = 19; n >= 1; n -= 2) sum = sum * square + 1 / n
  return k * Math.LN2 + 2 * s * sum
}
