import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { brotliCompressSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { allowRelaxedSimd } from '../kernels/relaxed.ts'
import { ROOT, readJson, readText } from './imports.ts'

const BINARIES = ['infer', 'train', 'infer-relaxed', 'train-relaxed'] as const
type Binary = (typeof BINARIES)[number]

allowRelaxedSimd()

/** What a module needs and gives, which the types of the host leave out. */
const { imports, exports } = WebAssembly.Module as unknown as Record<
  'imports' | 'exports',
  (module: WebAssembly.Module) => { name: string; kind: string }[]
>

const binary = (door: Binary) => readFileSync(join(ROOT, `build/${door}.wasm`))
const budget: Record<Binary, { raw: number; brotli: number }> = readJson('test/structure/budget.json')

/** The names that an entry file exports. */
function namesIn(entry: string): string[] {
  const text = readText(`assembly/${entry}.ts`)
  const functions = [...text.matchAll(/^export function (\w+)/gm)].map((match) => match[1])
  const lists = [...text.matchAll(/^export \{([^}]*)\}/gm)].flatMap((match) => match[1].split(','))
  const doors = [...text.matchAll(/^export \* from '\.\/(\w+)'/gm)].flatMap((match) => namesIn(match[1]))
  return [...functions, ...lists.map((name) => name.trim()).filter(Boolean), ...doors].sort()
}

/** Numbers of the sections of a binary, in order: 8 would be a function that runs when it is instantiated. */
function sectionsOf(bytes: Uint8Array): number[] {
  const sections: number[] = []
  for (let at = 8; at < bytes.length; ) {
    sections.push(bytes[at++])
    let size = 0
    let byte = 0x80
    for (let shift = 0; byte & 0x80; shift += 7) {
      byte = bytes[at++]
      size |= (byte & 0x7f) << shift
    }
    at += size
  }
  return sections
}

test('the small door lists the prediction kernels, the large one those and more', () => {
  expect(namesIn('infer')).toContain('heapBase')
  expect(namesIn('infer')).toContain('gemmNT')
  expect(namesIn('train')).toEqual(expect.arrayContaining([...namesIn('infer'), 'adamw']))
  expect(namesIn('infer')).not.toContain('adamw')
})

describe.each(BINARIES)('%s.wasm', (door) => {
  const bytes = binary(door)
  const module = new WebAssembly.Module(bytes)

  test('imports its memory and nothing else', () => {
    expect(imports(module)).toEqual([{ module: 'env', name: 'memory', kind: 'memory' }])
  })

  test('exports the names of its entry file and nothing else', () => {
    const exported = exports(module)
    expect(exported.map(({ name }) => name).sort()).toEqual(namesIn(door.replace('-relaxed', '')))
    expect(exported.filter(({ kind }) => kind !== 'function')).toEqual([])
  })

  test('runs nothing when it is instantiated', () => {
    const sections = sectionsOf(bytes)
    expect(sections).toContain(10) // The code: the sections were read.
    expect(sections).not.toContain(8)
  })

  test('holds relaxed SIMD, whose results differ from machine to machine, only where its name says so', () => {
    // fd 80 02 … fd 93 02: the prefix and the numbers 0x100 … 0x113.
    const relaxed = [...bytes.keys()].filter(
      (i) => bytes[i] === 0xfd && bytes[i + 1] >= 0x80 && bytes[i + 1] <= 0x93 && bytes[i + 2] === 2,
    )
    // f32x4.relaxed_madd alone
    expect([...new Set(relaxed.map((i) => bytes[i + 1]))]).toEqual(door.endsWith('-relaxed') ? [0x85] : [])
    expect([...bytes.keys()].some((i) => bytes[i] === 0xfd && bytes[i + 1] === 0xe4 && bytes[i + 2] === 1)).toBe(true) // f32x4.add
    expect(readJson('asconfig.json').options.enable).toEqual(['simd'])
  })

  test('is no larger than its budget, raw and compressed', () => {
    expect(bytes.length).toBeLessThanOrEqual(budget[door].raw)
    expect(brotliCompressSync(bytes).length).toBeLessThanOrEqual(budget[door].brotli)
  })

  test('is the same in dist/, where the library reads it', () => {
    expect(readFileSync(join(ROOT, `dist/build/${door}.wasm`)).equals(bytes)).toBe(true)
  })
})

test('instantiating takes one memory that may grow to 4 GiB', () => {
  for (const door of BINARIES) {
    const memory = new WebAssembly.Memory({ initial: 16, maximum: 65536 })
    const instance = new WebAssembly.Instance(new WebAssembly.Module(binary(door)), { env: { memory } })
    const base = (instance.exports as { heapBase(): number }).heapBase()
    expect(base).toBeGreaterThanOrEqual(0)
    expect(base).toBeLessThan(memory.buffer.byteLength)
  }
})
