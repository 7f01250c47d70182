import { readFileSync } from 'node:fs'
import type { TrainKernels } from '../../src/wasm/kernels.ts'
import { openTrainSession, type Session } from '../../src/wasm/session.ts'

/** A session on all kernels, from the file that `npm run build:wasm` made. */
export function trainSession(): Session<TrainKernels> {
  return openTrainSession(new WebAssembly.Module(readFileSync(new URL('../../build/train.wasm', import.meta.url))))
}
