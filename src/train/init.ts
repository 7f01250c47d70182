import type { Student } from '../fusion/student.ts'
import { type MlpSpec, mlpSize } from '../nn/mlp.ts'
import type { Random } from '../wasm/random.ts'

/**
 * First weights of every student, as PyTorch's Linear draws them: weight and bias uniform within ±1/√inputs (He et al. 2015 with
 * a = √5), 0 where there is no input. Students with the same encoder on the same modality start it from the same weights and
 * then go their own ways; a cut starts from what its network had learned.
 * @param networks the parameters of the network that is cut, by modality: those of its first layers come first
 */
export function firstBlocks(
  students: readonly Student[],
  names: readonly string[],
  random: Random,
  networks: ReadonlyMap<number, Float32Array> = new Map(),
): Float32Array[] {
  return students.map((student, i) => {
    const block = new Float32Array(student.layout.size)
    let at = 0
    const fill = (spec: MlpSpec, stream: Random) => {
      for (let l = 1; l < spec.widths.length; l++) {
        const inputs = spec.widths[l - 1]
        const bound = inputs > 0 ? 1 / Math.sqrt(inputs) : 0
        const values = stream.uniform((inputs + 1) * spec.widths[l], -bound, bound)
        block.set(values, at)
        at += values.length
      }
    }
    for (const { encoder, modality } of student.ports) {
      if (!encoder) continue
      if (student.spec.extractors[modality].kind === 'sliced') {
        const values = (networks.get(modality) as Float32Array).subarray(0, mlpSize(encoder))
        block.set(values, at)
        at += values.length
      } else fill(encoder, random.fork(`encoder ${modality} ${encoder.widths.join(' ')}`))
    }
    fill(student.head, random.fork(`head ${names[i]}`))
    return block
  })
}
