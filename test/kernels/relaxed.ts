import { setFlagsFromString } from 'node:v8'
import { hasRelaxedSimd } from '../../web/index.ts'

/** Node 20 has relaxed SIMD behind a flag that later ones, which have it anyway, know no more. */
export function allowRelaxedSimd(): void {
  if (!hasRelaxedSimd()) setFlagsFromString('--experimental-wasm-relaxed-simd')
}
