import { MemoryError } from '../core/errors.ts'

/** Where an array starts in WASM memory, in bytes. */
export type Pointer = number

const PAGE = 65536

/**
 * A stack of arrays in WASM memory. Nothing is freed but by releasing a mark; dropping the session frees all of it.
 * Views are made when needed and not kept across an `alloc`, because growing the memory detaches them.
 */
export interface Memory {
  /** Room for `bytes`, 16-byte aligned, contents undefined. @throws MemoryError when the host gives no more */
  alloc(bytes: number): Pointer
  /** Room for a copy of the values. */
  put(values: Float32Array | Float64Array | Int32Array | Uint32Array): Pointer
  /** The height of the stack: what `release` goes back to. */
  mark(): number
  /** Frees everything allocated since the mark. */
  release(mark: number): void
  /** Copies `bytes` within the memory. */
  copy(to: Pointer, from: Pointer, bytes: number): void
  f32(at: Pointer, length: number): Float32Array<ArrayBuffer>
  f64(at: Pointer, length: number): Float64Array<ArrayBuffer>
  i32(at: Pointer, length: number): Int32Array<ArrayBuffer>
  u8(at: Pointer, length: number): Uint8Array<ArrayBuffer>
  /**
   * The whole memory as numbers: what stands at pointer p has the index p / 4. The view is the same until the memory grows, so a
   * loop that asks for it each time makes none.
   */
  floats(): Float32Array<ArrayBuffer>
  words(): Int32Array<ArrayBuffer>
  /** Bytes the memory has taken from the host. */
  size(): number
}

/** @param base first byte that is free; @param maxBytes the most the stack may reach */
export function stackMemory(memory: WebAssembly.Memory, base: number, maxBytes: number): Memory {
  let top = align(base)
  let floats = new Float32Array(memory.buffer)
  let words = new Int32Array(memory.buffer)
  const whole = () => {
    // Growing has detached it.
    if (floats.length === 0) floats = new Float32Array(memory.buffer)
    return floats
  }
  return {
    alloc(bytes) {
      const at = top
      const end = align(at + bytes)
      if (end > maxBytes) throw outOfMemory(end, maxBytes)
      // To ask the host for `memory.buffer` would take longer than all the rest.
      const missing = end - whole().byteLength
      if (missing > 0) grow(memory, Math.ceil(missing / PAGE), end)
      top = end
      return at
    },
    put(values) {
      const at = this.alloc(values.byteLength)
      const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
      new Uint8Array(memory.buffer, at, values.byteLength).set(bytes)
      return at
    },
    mark: () => top,
    release(mark) {
      top = mark
    },
    copy(to, from, bytes) {
      new Uint8Array(memory.buffer).copyWithin(to, from, from + bytes)
    },
    f32: (at, length) => new Float32Array(memory.buffer, at, length),
    f64: (at, length) => new Float64Array(memory.buffer, at, length),
    i32: (at, length) => new Int32Array(memory.buffer, at, length),
    u8: (at, length) => new Uint8Array(memory.buffer, at, length),
    floats: whole,
    words() {
      if (words.length === 0) words = new Int32Array(memory.buffer)
      return words
    },
    size: () => memory.buffer.byteLength,
  }
}

/**
 * A memory that is only counted: what would be allocated takes no room, and there is nothing to look at. `size` is the most that
 * was taken.
 * @param taken bytes that are there already
 */
export function countedMemory(taken: number): Memory {
  let top = align(taken)
  let most = top
  const nothing = (): never => {
    throw new RangeError('a memory that is only counted holds nothing')
  }
  return {
    alloc(bytes) {
      const at = top
      top = align(at + bytes)
      most = Math.max(most, top)
      return at
    },
    put(values) {
      return this.alloc(values.byteLength)
    },
    mark: () => top,
    release(mark) {
      top = mark
    },
    copy: nothing,
    f32: nothing,
    f64: nothing,
    i32: nothing,
    u8: nothing,
    floats: nothing,
    words: nothing,
    size: () => most,
  }
}

const align = (bytes: number): number => Math.ceil(bytes / 16) * 16

function grow(memory: WebAssembly.Memory, pages: number, needed: number): void {
  try {
    memory.grow(pages)
  } catch {
    throw outOfMemory(needed, memory.buffer.byteLength)
  }
}

function outOfMemory(needed: number, limit: number): MemoryError {
  const mib = (bytes: number) => `${Math.ceil(bytes / 2 ** 20)} MiB`
  return new MemoryError(
    `${mib(needed)} of WebAssembly memory are needed and ${mib(limit)} can be had: use fewer rows, features or students`,
  )
}
