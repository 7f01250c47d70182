import type { TrainKernels } from '../../src/wasm/kernels.ts'
import { openTrainSession, type Session } from '../../src/wasm/session.ts'
import { init, kernels } from '../../web/index.ts'
import { allowRelaxedSimd } from './relaxed.ts'

const FAST = process.env.METAFUSION_NUMERICS === 'fast'
if (FAST) {
  allowRelaxedSimd()
  await init({ numerics: 'fast' })
}

/** A session on all kernels, from the file that `npm run build:wasm` made. */
export function trainSession(): Session<TrainKernels> {
  const session = openTrainSession(kernels('train', FAST ? 'fast' : 'exact'))
  if (Boolean(session.kernels.relaxed()) !== FAST) throw new Error('this host has no relaxed SIMD to test')
  return session
}

/** Whether these kernels multiply and add in one go: relaxed ones do on most processors. (1 + 2⁻¹²)² - 1 needs 25 digits. */
export function fuses({ kernels, memory }: Session<TrainKernels>): boolean {
  const mark = memory.mark()
  const x = 1 + 2 ** -12
  const [a, c] = [memory.put(Float32Array.of(x)), memory.put(Float32Array.of(-1))]
  kernels.gemmNN(c, a, a, 1, 1, 1, 1, 1, 1, true)
  const sum = memory.f32(c, 1)[0]
  memory.release(mark)
  return sum === x * x - 1
}
