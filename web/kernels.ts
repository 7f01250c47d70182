// The kernels of every host that may compile: they are in the code, as base64.

import { HostError } from '../src/core/errors.ts'
import { type Kind, type Numerics, type Shelf, type Stock, shelfOf } from '../src/wasm/shelf.ts'

/** Compiled kernels, or where they can be had. */
export type Wasm = WebAssembly.Module | BufferSource | URL | string | Response | Promise<Response>

export interface InitOptions {
  /** Kernels to take in place of those in the code: infer.wasm or train.wasm of this version, compiled, as bytes, or where they are. */
  readonly wasm?: Wasm | readonly Wasm[]
  /** `fast` loads the kernels that need relaxed SIMD, if the host has it: `createPredictor` and `plan` do not wait for them. */
  readonly numerics?: Numerics
}

/** f32x4.relaxed_madd of three constants: what a host without relaxed SIMD refuses. */
const PROBE = Uint8Array.of(
  ...[0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 19, 1, 17, 0],
  ...[65, 1, 253, 15, 65, 1, 253, 15, 65, 1, 253, 15, 253, 133, 2, 11],
)

/** Whether this host has what `fast` needs. */
export const hasRelaxedSimd = (): boolean => WebAssembly.validate(PROBE)

/** A module of build/inline. */
interface Inline {
  readonly base64: string
}

/** Kernels in the code. @param fast loads what is needed at once no more than compiled kernels are */
export function inlined(
  exact: { readonly [kind in Kind]?: string },
  fast: { readonly [kind in Kind]?: () => Promise<Inline> },
): Shelf {
  const compiled = (base64: string) => new WebAssembly.Module(bytesOf(base64))
  const stock: Stock = {
    exact: mapped(exact, (base64) => () => compiled(base64)),
    fast: mapped(fast, (load) => async () => compiled((await load()).base64)),
    hasRelaxedSimd,
  }
  return shelfOf(stock)
}

/** Puts what was given on the shelf. @throws FormatError, HostError, ConfigError */
export async function initOn(shelf: Shelf, { wasm, numerics = 'exact' }: InitOptions): Promise<void> {
  const given = wasm === undefined ? [] : Array.isArray(wasm) ? (wasm as readonly Wasm[]) : [wasm as Wasm]
  for (const module of await Promise.all(given.map(compile))) shelf.add(module)
  await shelf.load(numerics)
}

async function compile(wasm: Wasm): Promise<WebAssembly.Module> {
  const given = await wasm
  if (given instanceof WebAssembly.Module) return given
  if (given instanceof ArrayBuffer || ArrayBuffer.isView(given)) return readable(given)
  const response = given instanceof Response ? given : await fetched(given)
  if (!response.ok) throw new HostError(`${response.url} answers ${response.status}: give init where the kernels are`)
  return readable(await response.arrayBuffer())
}

async function fetched(from: URL | string): Promise<Response> {
  try {
    return await fetch(from)
  } catch (error) {
    throw new HostError(
      `${from} cannot be fetched (${(error as Error).message}): give init where the kernels are, or their bytes`,
    )
  }
}

async function readable(bytes: BufferSource): Promise<WebAssembly.Module> {
  try {
    return await WebAssembly.compile(bytes)
  } catch (error) {
    throw new HostError(`what init was given is no WebAssembly that this host compiles (${(error as Error).message})`)
  }
}

function bytesOf(base64: string): Uint8Array<ArrayBuffer> {
  const text = atob(base64)
  const bytes = new Uint8Array(text.length)
  for (let i = 0; i < bytes.length; i++) bytes[i] = text.charCodeAt(i)
  return bytes
}

function mapped<From, To>(from: { readonly [kind in Kind]?: From }, change: (value: From) => To): { [kind in Kind]?: To } {
  return Object.fromEntries(Object.entries(from).map(([kind, value]) => [kind, change(value)]))
}
