import { readFileSync } from 'node:fs'
import { type Random, randomFrom } from '../../src/wasm/random.ts'
import { openTrainSession } from '../../src/wasm/session.ts'

/** A stream of random numbers on the compiled kernels. */
export const seeded = (seed: number): Random =>
  randomFrom(openTrainSession(new WebAssembly.Module(readFileSync(new URL('../../build/train.wasm', import.meta.url)))), seed)
