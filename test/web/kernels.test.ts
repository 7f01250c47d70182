import { readFileSync } from 'node:fs'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { openSession } from '../../src/wasm/session.ts'
import type { Kind, Shelf } from '../../src/wasm/shelf.ts'
import { imported, initOn as initAtTheEdge } from '../../web/edge/kernels.ts'
import { hasRelaxedSimd, initOn, inlined, type Wasm } from '../../web/kernels.ts'
import { allowRelaxedSimd } from '../kernels/relaxed.ts'

allowRelaxedSimd()
afterEach(() => void vi.restoreAllMocks())

const bytesOf = (name: string) => new Uint8Array(readFileSync(new URL(`../../build/${name}.wasm`, import.meta.url)))
const base64 = (name: string) => Buffer.from(bytesOf(name)).toString('base64')
const inline = (name: string) => async () => ({ base64: base64(name) })

/** Shelves as the two doors have them. */
const small = () => inlined({ infer: base64('infer') }, { infer: inline('infer-relaxed') })
const full = () => inlined({ train: base64('train') }, { train: inline('train-relaxed') })
const exportsOf = (module: WebAssembly.Module) => WebAssembly.Module.exports(module).map(({ name }) => name)
const trains = (shelf: Shelf, kind: Kind = 'train') => exportsOf(shelf.kernels(kind)).includes('adamw')
const relaxed = (module: WebAssembly.Module) => Boolean(openSession(module).kernels.relaxed())

describe('kernels in the code', () => {
  test('are compiled once', () => {
    const shelf = small()
    expect(shelf.kernels('infer')).toBe(shelf.kernels('infer'))
  })

  test('that train predict, too', () => {
    const shelf = full()
    expect(shelf.kernels('infer')).toBe(shelf.kernels('train'))
    expect(trains(shelf)).toBe(true)
  })

  test('that predict alone do not train', () => {
    expect(() => small().kernels('train')).toThrow(
      'there are kernels for prediction alone: give init the bytes of train.wasm, or import from "metafusion"',
    )
  })

  test('fast ones are loaded when init or a training asks for them', async () => {
    expect(hasRelaxedSimd()).toBe(true)
    const shelf = full()
    expect(() => shelf.kernels('train', 'fast')).toThrow('fast kernels are not loaded: await init({ numerics: "fast" }) first')
    await initOn(shelf, { numerics: 'fast' })
    expect([relaxed(shelf.kernels('train', 'fast')), relaxed(shelf.kernels('train'))]).toEqual([true, false])
    expect(shelf.kernels('infer', 'fast')).toBe(shelf.kernels('train', 'fast'))
  })

  test('are exact where the host has no relaxed SIMD, and nothing is loaded', async () => {
    vi.spyOn(WebAssembly, 'validate').mockReturnValue(false)
    const load = vi.fn(inline('infer-relaxed'))
    const shelf = inlined({ infer: base64('infer') }, { infer: load })
    await initOn(shelf, { numerics: 'fast' })
    expect(shelf.kernels('infer', 'fast')).toBe(shelf.kernels('infer'))
    expect(load).not.toHaveBeenCalled()
  })
})

describe('init', () => {
  const ways: [string, (name: string) => Wasm][] = [
    ['a module', (name) => new WebAssembly.Module(bytesOf(name))],
    ['bytes', bytesOf],
    ['a buffer', (name) => bytesOf(name).buffer],
    ['a URL', (name) => new URL(`data:application/wasm;base64,${base64(name)}`)],
    ['a text that is one', (name) => `data:application/wasm;base64,${base64(name)}`],
    ['a response', (name) => new Response(bytesOf(name))],
    ['a promise of one', (name) => fetch(`data:application/wasm;base64,${base64(name)}`)],
  ]

  test.each(ways)('takes %s, from then on', async (_, give) => {
    const shelf = small()
    const before = shelf.kernels('infer')
    await initOn(shelf, { wasm: give('train') })
    expect(trains(shelf)).toBe(true)
    // Those for prediction alone are still there, and smaller.
    expect(shelf.kernels('infer')).toBe(before)
    await initOn(shelf, { wasm: give('infer') })
    expect(shelf.kernels('infer')).not.toBe(before)
  })

  test('takes several, and knows which is which', async () => {
    const shelf = full()
    await initOn(shelf, { wasm: [bytesOf('infer'), bytesOf('train-relaxed')] })
    expect(trains(shelf, 'infer')).toBe(false)
    expect(relaxed(shelf.kernels('train', 'fast'))).toBe(true)
    expect(relaxed(shelf.kernels('train'))).toBe(false)
  })

  test('without anything does nothing', async () => {
    const shelf = small()
    await initOn(shelf, {})
    expect(trains(shelf, 'infer')).toBe(false)
  })

  test.each<[string, Wasm, string, RegExp]>([
    ['no WebAssembly', new Uint8Array(8), 'HostError', /no WebAssembly that this host compiles/],
    ['a page in its place', new Response('<!doctype html>'), 'HostError', /no WebAssembly that this host compiles/],
    ['an answer that is none', new Response('', { status: 404 }), 'HostError', /answers 404: give init where the kernels are/],
    [
      'an address that does not answer',
      'http://127.0.0.1:9/train.wasm',
      'HostError',
      /^http:\/\/127\.0\.0\.1:9\/train\.wasm cannot be fetched/,
    ],
    // The smallest module there is, and one that has another memory.
    [
      'other WebAssembly',
      Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0),
      'FormatError',
      /has other exports: give infer\.wasm or train\.wasm of this version/,
    ],
  ])('refuses %s', async (_, wasm, name, message) => {
    const shelf = small()
    await expect(initOn(shelf, { wasm })).rejects.toThrow(
      expect.objectContaining({ name, message: expect.stringMatching(message) }),
    )
    expect(shelf.kernels('infer')).toBeInstanceOf(WebAssembly.Module)
  })
})

describe('at the edge', () => {
  const shelf = imported('train', new WebAssembly.Module(bytesOf('train')))
  const MiB = 2 ** 20

  test('a session takes 96 MiB and no more, whatever the kernels are opened for', () => {
    for (const kind of ['infer', 'train'] as const) {
      const { memory } = openSession(shelf.kernels(kind))
      expect(memory.alloc(95 * MiB)).toBeGreaterThan(0)
      expect(() => memory.alloc(2 * MiB)).toThrow(
        expect.objectContaining({ name: 'MemoryError', message: expect.stringContaining('96 MiB can be had') }),
      )
      expect(memory.size()).toBeLessThanOrEqual(96 * MiB)
    }
  })

  test('fast numerics are exact', async () => {
    await initAtTheEdge(shelf, { numerics: 'fast' })
    expect(shelf.kernels('train', 'fast')).toBe(shelf.kernels('train'))
  })

  test('init takes modules, which have the same limit, and nothing that would have to be compiled', async () => {
    const own = imported('infer', new WebAssembly.Module(bytesOf('infer')))
    await initAtTheEdge(own, { wasm: new WebAssembly.Module(bytesOf('train')) })
    expect(() => openSession(own.kernels('train')).memory.alloc(97 * MiB)).toThrow('96 MiB can be had')
    await expect(initAtTheEdge(own, { wasm: bytesOf('train') as unknown as WebAssembly.Module })).rejects.toThrow(
      'init was given no WebAssembly module: at the edge nothing may be compiled, so import the .wasm file',
    )
  })
})
