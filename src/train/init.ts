import type { Source, Student } from '../fusion/student.ts'
import type { MlpSpec } from '../nn/mlp.ts'
import type { Memory } from '../wasm/memory.ts'
import type { Random } from '../wasm/random.ts'

/**
 * First weights of every student, as PyTorch's Linear draws them: weight and bias uniform within ±1/√inputs (He et al. 2015 with
 * a = √5), 0 where there is no input. Students with the same encoder on the same modality start it from the same weights and
 * then go their own ways.
 */
export function firstBlocks(students: readonly Student[], names: readonly string[], random: Random): Float32Array[] {
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
      if (encoder) fill(encoder, random.fork(`encoder ${modality} ${encoder.widths.join(' ')}`))
    }
    fill(student.head, random.fork(`head ${names[i]}`))
    return block
  })
}

/** 1 for each feature of a source that is not 0 in every one of the rows. */
export function varying(memory: Memory, { at, width }: Source, rows: Int32Array): Uint8Array {
  const varies = new Uint8Array(width)
  for (const row of rows) {
    memory.f32(at + 4 * row * width, width).forEach((v, j) => {
      if (v !== 0) varies[j] = 1
    })
  }
  return varies
}

/**
 * Takes their weights from the prepared features that are always 0 in training: constant ones, and those with nothing but gaps.
 * Nothing is learned of such a feature, so a later value, of whatever size, would meet a random weight.
 * @param varies of each modality, as `varying` has it
 */
export function ignoreConstants({ spec, ports, layout }: Student, block: Float32Array, varies: readonly Uint8Array[]): void {
  for (const { modality, encoder, offset } of ports) {
    if (spec.extractors[modality].kind === 'pca') continue
    const name = encoder ? `encoder.${modality}.0.weight` : 'head.0.weight'
    const tensor = layout.tensors.find((t) => t.name === name)
    if (!tensor) throw new TypeError(`the student has no tensor ${name}`)
    const [outputs, inputs] = tensor.shape
    const first = tensor.offset + (encoder ? 0 : offset)
    varies[modality].forEach((v, j) => {
      if (!v) for (let o = 0; o < outputs; o++) block[first + o * inputs + j] = 0
    })
  }
}
