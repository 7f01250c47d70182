import type { TrainKernels } from './kernels.ts'
import type { Pointer } from './memory.ts'
import type { Session } from './session.ts'

/** A stream of random numbers. The same seed and names give the same stream on every host. */
export interface Random {
  /** n values in [low, high). */
  uniform(n: number, low: number, high: number): Float32Array<ArrayBuffer>
  /** n standard normal values. */
  normal(n: number): Float32Array<ArrayBuffer>
  /** A random order of 0 … n-1. */
  permutation(n: number): Int32Array<ArrayBuffer>
  /** One whole number in 0 … n-1, n ≤ 2²⁴. */
  below(n: number): number
  /** Puts the state of its fork of that name where a kernel draws from it for itself, 16 bytes. */
  plant(state: Pointer, name: string): void
  /** A stream of its own for a named purpose: adding one never changes what another draws. */
  fork(name: string): Random
}

/** @param seed a whole number, 0 … 2³² - 1 */
export function randomFrom(session: Session<TrainKernels>, seed: number): Random {
  return stream(session, mix(0x9e3779b9, seed >>> 0))
}

function stream(session: Session<TrainKernels>, key: number): Random {
  const { kernels, memory } = session
  const state = new Uint32Array(4)
  for (let i = 0; i < 4; i++) state[i] = word(key, i)

  // The state lives here and visits WASM for each draw, so that a stream needs no memory of its own.
  function lend(run: (state: Pointer) => void): void {
    const mark = memory.mark()
    const at = memory.put(state)
    run(at)
    state.set(memory.i32(at, 4))
    memory.release(mark)
  }

  function draw(n: number, run: (out: Pointer, state: Pointer) => void): Int32Array<ArrayBuffer> {
    let values = new Int32Array(0)
    lend((at) => {
      const out = memory.alloc(4 * n)
      run(out, at)
      values = memory.i32(out, n).slice()
    })
    return values
  }

  function uniform(n: number, low: number, high: number) {
    return new Float32Array(draw(n, (out, at) => kernels.uniforms(out, at, n, low, high)).buffer)
  }

  return {
    uniform,
    normal: (n) => new Float32Array(draw(n, (out, at) => kernels.normals(out, at, n)).buffer),
    permutation: (n) => draw(n, (out, at) => kernels.permutation(out, at, n)),
    below: (n) => Math.floor(uniform(1, 0, 1)[0] * n),
    plant(at, name) {
      const child = childOf(key, name)
      const words = memory.words()
      for (let i = 0; i < 4; i++) words[at / 4 + i] = word(child, i)
    },
    fork: (name) => stream(session, childOf(key, name)),
  }
}

/** Word i of the state that a stream begins with. The state must not be all zero. */
const word = (key: number, i: number): number => mix(key, i + 1) | (i === 0 ? 1 : 0)

function childOf(key: number, name: string): number {
  let child = key
  for (let i = 0; i < name.length; i++) child = mix(child, name.charCodeAt(i))
  return mix(child, name.length)
}

/** Two words into one, every bit of either reaching all of it (the finalizer of MurmurHash3, A. Appleby, public domain). */
function mix(a: number, b: number): number {
  let h = Math.imul(a ^ Math.imul(b, 0xcc9e2d51), 0x1b873593) + 0xe6546b64
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}
