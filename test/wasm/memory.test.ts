import { describe, expect, test } from 'vitest'
import { stackMemory } from '../../src/wasm/memory.ts'

const PAGE = 65536

/** A memory of the given pages that can grow to `most`: no host is asked for gigabytes. */
function fake(pages: number, most: number): WebAssembly.Memory {
  let buffer = new ArrayBuffer(pages * PAGE)
  const memory = {
    get buffer() {
      return buffer
    },
    grow(more: number) {
      const before = buffer.byteLength / PAGE
      if (before + more > most) throw new RangeError('maximum memory size exceeded')
      buffer = copy(buffer, (before + more) * PAGE)
      return before
    },
  }
  return memory as WebAssembly.Memory
}

function copy(from: ArrayBuffer, bytes: number): ArrayBuffer {
  const to = new ArrayBuffer(bytes)
  new Uint8Array(to).set(new Uint8Array(from))
  return to
}

describe('the stack of arrays', () => {
  test('starts at the base, rounded up to 16, and stays aligned', () => {
    const memory = stackMemory(fake(1, 4), 1001, 4 * PAGE)
    expect([memory.alloc(1), memory.alloc(17), memory.alloc(0), memory.alloc(4)]).toEqual([1008, 1024, 1056, 1056])
  })

  test('goes back to a mark', () => {
    const memory = stackMemory(fake(1, 4), 64, 4 * PAGE)
    memory.alloc(100)
    const mark = memory.mark()
    const first = memory.alloc(1000)
    memory.release(mark)
    expect(memory.alloc(8)).toBe(first)
  })

  test('grows by what is missing, and what was written stays', () => {
    const memory = stackMemory(fake(1, 4), 0, 4 * PAGE)
    const at = memory.put(Float32Array.of(1.5, -2))
    memory.alloc(2 * PAGE)
    expect(memory.size()).toBe(3 * PAGE)
    expect([...memory.f32(at, 2)]).toEqual([1.5, -2])
  })

  test('puts bytes as they are, from the middle of a buffer too', () => {
    const memory = stackMemory(fake(1, 1), 0, PAGE)
    const at = memory.put(Float64Array.of(0, Math.PI, Math.E).subarray(1))
    expect([...memory.f64(at, 2)]).toEqual([Math.PI, Math.E])
  })

  test('copies within itself, overlapping or not', () => {
    const memory = stackMemory(fake(1, 1), 0, PAGE)
    const at = memory.put(Int32Array.of(1, 2, 3, 4))
    memory.copy(at + 4, at, 12)
    expect([...memory.i32(at, 4)]).toEqual([1, 1, 2, 3])
  })

  test('refuses more than its cap in a sentence, and goes on working', () => {
    const memory = stackMemory(fake(1, 64), 0, 2 * PAGE)
    expect(() => memory.alloc(3 * PAGE)).toThrow(
      '1 MiB of WebAssembly memory are needed and 1 MiB can be had: use fewer rows, features or students',
    )
    expect(memory.alloc(16)).toBe(0)
  })

  test('a data set of 6 GiB is refused before anything is asked of the host', () => {
    const memory = stackMemory(fake(1, 1), 0, 65536 * PAGE)
    const error = (() => {
      try {
        memory.alloc(6 * 2 ** 30)
      } catch (e) {
        return e as Error
      }
      return undefined
    })()
    expect(error?.name).toBe('MemoryError')
    expect(error?.message).toBe(
      '6144 MiB of WebAssembly memory are needed and 4096 MiB can be had: use fewer rows, features or students',
    )
  })

  test('a host that gives no more is reported the same way', () => {
    const memory = stackMemory(fake(1, 2), 0, 64 * PAGE)
    expect(() => memory.alloc(5 * PAGE)).toThrow(/^1 MiB of WebAssembly memory are needed and 1 MiB can be had/)
  })
})
