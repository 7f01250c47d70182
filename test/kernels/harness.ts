// Runs a kernel between fences and compares it with its definition.
//
// Every array stands between two fences, and so do its rows when the leading dimension leaves gaps. Around inputs they are NaN,
// which reaches every sum it enters: a kernel that reads too far shows it in its result. Around outputs they are canaries: after
// the call every word that is not a cell of an output must have the bits it had before. What an output or a scratch holds before
// the call is NaN, so a kernel that builds on it shows it too. And in each call one array, another each time, lies at the very
// end of the memory, where a step too far is a trap, even one whose value nobody uses.

import type { TrainKernels } from '../../src/wasm/kernels.ts'
import { fuses, trainSession } from './kernels.ts'

export type KernelName = Exclude<keyof TrainKernels, 'heapBase' | 'relaxed'>
export type Cells = Float32Array<ArrayBuffer> | Float64Array<ArrayBuffer> | Int32Array<ArrayBuffer>

/** An array argument: its cells row after row, and where they lie in memory. */
export interface Block {
  readonly role: 'input' | 'output' | 'inPlace' | 'scratch'
  readonly cells: Cells
  readonly columns: number
  readonly ld: number
}
export type Argument = Block | number | boolean

// The same Block twice among the arguments is the same pointer twice.
const block = (role: Block['role'], cells: Cells, columns = cells.length, ld = columns): Block => ({ role, cells, columns, ld })
/** Read only: must have its bits afterwards. */
export const input = (cells: Cells, columns?: number, ld?: number): Block => block('input', cells, columns, ld)
/** Written only: `cells` says how many and of what type. */
export const output = (cells: Cells, columns?: number, ld?: number): Block => block('output', cells, columns, ld)
/** Read and written. */
export const inPlace = (cells: Cells, columns?: number, ld?: number): Block => block('inPlace', cells, columns, ld)
/** Room that the kernel may use as it likes, and no more of it. `bytes` is a multiple of 8. */
export const scratch = (bytes: number): Block => block('scratch', new Float64Array(bytes / 8))

// Each pattern is what it should be as one f32 and, twice, as one f64; as an i32 either is an index out of all bounds.
const NAN_WORD = 0x7ffdadad
const CANARY_WORD = 0xdf2b4c6d | 0 // finite and below zero, so that any arithmetic, relu included, changes it
const FENCE = 128 // bytes: wider than what a kernel stores at a time

const session = trainSession()
/** Whether these kernels round a product and a sum once. */
export const FUSED = fuses(session)

interface Placed {
  readonly block: Block
  readonly at: number
  readonly before: Int32Array
}

/** Rows `ld` apart, the gaps left as they are. */
function spread({ cells, columns, ld }: Block, to: Cells, value: (i: number) => number): void {
  for (let i = 0; i < cells.length; i++) to[Math.floor(i / columns) * ld + (i % columns)] = value(i)
}

/** Elements from the first cell to the last. */
const extent = ({ cells, columns, ld }: Block): number =>
  cells.length > 0 ? cells.length + (cells.length / columns - 1) * (ld - columns) : 0

function view(cells: Cells, at: number, length: number): Cells {
  const { memory } = session
  if (cells instanceof Float64Array) return memory.f64(at, length)
  return cells instanceof Int32Array ? memory.i32(at, length) : memory.f32(at, length)
}

function place(block: Block, atEnd: boolean): Placed {
  const { memory } = session
  const { role, cells } = block
  const bytes = extent(block) * cells.BYTES_PER_ELEMENT
  const start = memory.alloc(bytes + 2 * FENCE)
  if (atEnd) memory.alloc(memory.size() - memory.mark())
  const at = atEnd ? memory.size() - bytes : start + FENCE
  const image = memory.i32(at - FENCE, (bytes + (atEnd ? FENCE : 2 * FENCE)) / 4)
  image.fill(role === 'input' ? NAN_WORD : CANARY_WORD)
  const empty = cells instanceof Int32Array ? NAN_WORD : Number.NaN
  const given = role === 'input' || role === 'inPlace'
  spread(block, view(cells, at, extent(block)), given ? (i) => cells[i] : () => empty)
  return { block, at, before: image.slice() }
}

function checkFences(name: string, { block, at, before }: Placed): void {
  const after = session.memory.i32(at - FENCE, before.length)
  for (let i = 0; i < after.length; i++) {
    if (after[i] === before[i]) continue
    const index = Math.floor((4 * i - FENCE) / block.cells.BYTES_PER_ELEMENT)
    const isCell = index >= 0 && index < extent(block) && index % block.ld < block.columns
    if (block.role !== 'input' && isCell) continue
    throw new Error(`${name} wrote ${isCell ? 'on' : 'outside'} its ${block.role}: element ${index}, ld ${block.ld}`)
  }
}

let calls = 0

/** Calls a kernel. The outputs are those of role output and inPlace, in the order of the arguments, cells alone. */
export function run(name: KernelName, ...args: readonly Argument[]): { result: number; outputs: Cells[] } {
  const { kernels, memory } = session
  const mark = memory.mark()
  const blocks = [...new Set(args.filter((arg) => typeof arg === 'object'))]
  // The array at the end of the memory: scattered, so that no pattern of a test fits it. An empty one has no end to step over.
  const filled = blocks.filter((one) => one.cells.length > 0)
  const last = filled[(Math.imul(calls++, 0x9e3779b9) >>> 16) % filled.length]
  const placed = new Map<Argument, Placed>()
  for (const one of blocks) if (one !== last) placed.set(one, place(one, false))
  if (last) placed.set(last, place(last, true))
  const kernel = kernels[name] as (...values: number[]) => number
  const result = kernel(...args.map((arg) => placed.get(arg)?.at ?? Number(arg)))
  const outputs: Cells[] = []
  for (const one of blocks) {
    const there = placed.get(one)!
    checkFences(name, there)
    if (one.role !== 'output' && one.role !== 'inPlace') continue
    const rows = view(one.cells, there.at, extent(one))
    outputs.push(one.cells.map((_: number, i: number) => rows[Math.floor(i / one.columns) * one.ld + (i % one.columns)]) as Cells)
  }
  memory.release(mark)
  return { result, outputs }
}

/** How far a kernel may be from its definition. */
export interface Tolerance {
  /** Units in the last place; 0 is equal in every bit. */
  readonly ulp: number
  readonly because: string
  /** Units of this value, where the expected one is smaller: the size of what was added up. */
  readonly of: number
  /** Binary digits of a number: 24 in f32, 53 in f64. */
  readonly digits: 24 | 53
}

export const ulps = (ulp: number, because: string, of = 0, digits: 24 | 53 = 24): Tolerance => ({ ulp, because, of, digits })
export const BITS = ulps(0, 'the same operations in the same order')

/** The distance between neighbouring numbers at x. */
function spacing(x: number, digits: 24 | 53): number {
  const lowest = digits === 24 ? -126 : -1022
  return 2 ** (Math.max(Math.floor(Math.log2(Math.abs(x))), lowest) - digits + 1)
}

/** How many units of the tolerance lie between two numbers; 0 only for the same number, NaN and -0 told apart. */
export function distance(actual: number, expected: number, { of, digits }: Tolerance): number {
  if (Object.is(actual, expected)) return 0
  const units = Math.abs(actual - expected) / spacing(Math.max(Math.abs(expected), of), digits)
  // A zero of the other sign is no numerical error, but it is another number.
  return Number.isNaN(units) ? Number.POSITIVE_INFINITY : Math.max(units, Number.MIN_VALUE)
}

/** Throws unless every number is as near as the tolerance says. */
export function near(what: string, actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance: Tolerance): void {
  if (actual.length !== expected.length) throw new Error(`${what}: ${actual.length} values, expected ${expected.length}`)
  for (let i = 0; i < actual.length; i++) {
    const units = distance(actual[i], expected[i], tolerance)
    if (units <= tolerance.ulp) continue
    const allowed = `${tolerance.ulp} (${tolerance.because})`
    throw new Error(`${what}: [${i}] is ${actual[i]}, expected ${expected[i]}: ${units.toPrecision(3)} ulp, allowed ${allowed}`)
  }
}

/** What the reference sees: f64 (i32 stays), rows `ld` apart, NaN where there is nothing. */
function mirror(block: Block): Float64Array | Int32Array {
  const { role, cells } = block
  const isIndex = cells instanceof Int32Array
  const to = isIndex ? new Int32Array(extent(block)).fill(NAN_WORD) : new Float64Array(extent(block)).fill(Number.NaN)
  if (role === 'input' || role === 'inPlace') spread(block, to as Cells, (i) => cells[i])
  return to
}

/**
 * Throws unless a kernel does what its reference does. A reference has the kernel's arguments, arrays in place of pointers.
 * @returns the kernel's answer, for what else is to be said about it
 */
export function agree(
  name: KernelName,
  // biome-ignore lint/suspicious/noExplicitAny: the argument lists are as many as the kernels
  reference: (...args: any[]) => unknown,
  tolerance: Tolerance,
  ...args: readonly Argument[]
): { result: number; outputs: Cells[] } {
  const answer = run(name, ...args)
  const mirrors = new Map<Argument, Float64Array | Int32Array>()
  for (const arg of args) if (typeof arg === 'object' && !mirrors.has(arg)) mirrors.set(arg, mirror(arg))
  const expected = reference(...args.map((arg) => mirrors.get(arg) ?? arg))
  const sizes = args.map((arg) => (typeof arg === 'object' ? arg.role : arg)).join(', ')
  if (expected !== undefined) near(`${name}(${sizes}) returns`, [answer.result], [Number(expected)], tolerance)
  let n = 0
  for (const [arg, full] of mirrors) {
    const { role, cells, columns, ld } = arg as Block
    if (role !== 'output' && role !== 'inPlace') continue
    const wanted = Array.from(cells, (_, i) => full[Math.floor(i / columns) * ld + (i % columns)])
    near(`${name}(${sizes}) output ${n}`, answer.outputs[n], wanted, tolerance)
    n++
  }
  return answer
}

/** Every combination: shapes({ B: [0, 1], D: [3] }) is { B: 0, D: 3 }, { B: 1, D: 3 }. */
export function shapes<K extends string>(choices: Record<K, readonly number[]>): Record<K, number>[] {
  let all: Partial<Record<K, number>>[] = [{}]
  for (const name of Object.keys(choices) as K[]) {
    all = all.flatMap((shape) => choices[name].map((value) => ({ ...shape, [name]: value })))
  }
  return all as Record<K, number>[]
}

/** Every small size, and long ones with every tail modulo 4. */
export const SIZES = [...Array(21).keys(), 61, 62, 63, 64]

/** Test data: a linear congruential generator (constants of Numerical Recipes), the same on every run. */
export function numbers(seed: number) {
  let state = seed >>> 0
  const next = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
  return {
    /** n values in [low, high). */
    f32: (n: number, low = -1, high = 1) => Float32Array.from({ length: n }, () => low + (high - low) * next()),
    f64: (n: number, low = -1, high = 1) => Float64Array.from({ length: n }, () => low + (high - low) * next()),
    /** n whole numbers in 0 … below-1. */
    i32: (n: number, below: number) => Int32Array.from({ length: n }, () => Math.floor(below * next())),
  }
}

/** n values from low to high, both included. */
export function sweep(n: number, low: number, high: number): Float32Array<ArrayBuffer> {
  return Float32Array.from({ length: n }, (_, i) => low + ((high - low) * i) / (n - 1))
}

export const f32 = (...values: number[]): Float32Array<ArrayBuffer> => Float32Array.from(values)
export const f64 = (...values: number[]): Float64Array<ArrayBuffer> => Float64Array.from(values)
export const i32 = (...values: number[]): Int32Array<ArrayBuffer> => Int32Array.from(values)
/** Room for n results. */
export const floats = (n: number): Float32Array<ArrayBuffer> => new Float32Array(n)
export const doubles = (n: number): Float64Array<ArrayBuffer> => new Float64Array(n)
export const indices = (n: number): Int32Array<ArrayBuffer> => new Int32Array(n)
