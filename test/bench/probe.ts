// What the processor and its memory can do at 128 bits, by loops that do nothing else: AssemblyScript, compiled by machine.js.

/** Twelve chains of fused multiply-adds that live in registers: 96 floating-point operations a step. */
export function fmaLoop(steps: i32, x: f32, y: f32): f32 {
  const b = f32x4.splat(x)
  const c = f32x4.splat(y)
  let s0 = c
  let s1 = c
  let s2 = c
  let s3 = c
  let s4 = c
  let s5 = c
  let s6 = c
  let s7 = c
  let s8 = c
  let s9 = c
  let s10 = c
  let s11 = c
  for (let i = 0; i < steps; i++) {
    s0 = f32x4.relaxed_madd(s0, b, c)
    s1 = f32x4.relaxed_madd(s1, b, c)
    s2 = f32x4.relaxed_madd(s2, b, c)
    s3 = f32x4.relaxed_madd(s3, b, c)
    s4 = f32x4.relaxed_madd(s4, b, c)
    s5 = f32x4.relaxed_madd(s5, b, c)
    s6 = f32x4.relaxed_madd(s6, b, c)
    s7 = f32x4.relaxed_madd(s7, b, c)
    s8 = f32x4.relaxed_madd(s8, b, c)
    s9 = f32x4.relaxed_madd(s9, b, c)
    s10 = f32x4.relaxed_madd(s10, b, c)
    s11 = f32x4.relaxed_madd(s11, b, c)
  }
  return sum(s0, s1, s2, s3) + sum(s4, s5, s6, s7) + sum(s8, s9, s10, s11)
}

/** Six chains of products and six of sums that need nothing of each other: 48 floating-point operations a step. */
export function muladdLoop(steps: i32, x: f32, y: f32): f32 {
  const b = f32x4.splat(x)
  const c = f32x4.splat(y)
  let p0 = c
  let p1 = c
  let p2 = c
  let p3 = c
  let p4 = c
  let p5 = c
  let s0 = c
  let s1 = c
  let s2 = c
  let s3 = c
  let s4 = c
  let s5 = c
  for (let i = 0; i < steps; i++) {
    p0 = f32x4.mul(p0, b)
    s0 = f32x4.add(s0, c)
    p1 = f32x4.mul(p1, b)
    s1 = f32x4.add(s1, c)
    p2 = f32x4.mul(p2, b)
    s2 = f32x4.add(s2, c)
    p3 = f32x4.mul(p3, b)
    s3 = f32x4.add(s3, c)
    p4 = f32x4.mul(p4, b)
    s4 = f32x4.add(s4, c)
    p5 = f32x4.mul(p5, b)
    s5 = f32x4.add(s5, c)
  }
  return sum(p0, p1, p2, p3) + sum(p4, p5, s0, s1) + sum(s2, s3, s4, s5)
}

function sum(a: v128, b: v128, c: v128, d: v128): f32 {
  const s = f32x4.add(f32x4.add(a, b), f32x4.add(c, d))
  return f32x4.extract_lane(s, 0) + f32x4.extract_lane(s, 1) + f32x4.extract_lane(s, 2) + f32x4.extract_lane(s, 3)
}

/** Three arrays of n (a multiple of 4) f32 read and written in step, as Adam does with a block and its moments: 24 bytes each. */
export function triad(a: usize, b: usize, c: usize, n: i32, x: f32): void {
  const s = f32x4.splat(x)
  const bytes = (<usize>n) << 2
  for (let i: usize = 0; i < bytes; i += 16) {
    const p = v128.load(a + i)
    const q = v128.load(b + i)
    const r = v128.load(c + i)
    v128.store(a + i, f32x4.add(p, f32x4.mul(s, q)))
    v128.store(b + i, f32x4.add(q, f32x4.mul(s, r)))
    v128.store(c + i, f32x4.add(r, f32x4.mul(s, p)))
  }
}
