import type { Activation, Dense, Window } from '../nn/dense.ts'
import { type Layout, layoutOf } from '../nn/layout.ts'
import { type Between, type MlpSpec, mlp, mlpLayers, mlpShapes } from '../nn/mlp.ts'
import type { InferKernels } from '../wasm/kernels.ts'
import type { Memory, Pointer } from '../wasm/memory.ts'
import { type Extractor, extractorName, extractorWidth, sourceName } from './extractor.ts'

/** One member of a cohort: how it looks at each modality, in their order, and the hidden layers of its head. */
export interface StudentSpec {
  readonly extractors: readonly Extractor[]
  readonly hidden: readonly number[]
  readonly activation: Activation
  readonly outputs: number
  /** Speaks without some of its modalities, as if they had their training mean: how early fusion is usually done. */
  readonly fills?: boolean
  /** How its output layer is solved, where it is no network that takes steps. Known while it is trained; no file has it. */
  readonly solved?: Solver
  /** Tells it from students that look at the same with another head. */
  readonly variant?: string
}

/**
 * Students that are solved and not trained:
 * - `ridge`: a linear one, its squared weights penalised
 * - `lasso`: a linear one, the sizes of its weights penalised, so that most are 0
 * - `random`: one hidden layer that stays as it was drawn, and ridge on it: a kernel machine (Rahimi & Recht, 2008)
 */
export const SOLVERS = ['ridge', 'lasso', 'random'] as const
export type Solver = (typeof SOLVERS)[number]

/** `mri:pca(30)+csf:raw`, `ridge mri:raw`, and `mri:raw (64,64)` for a head that is not the cohort's first. */
export function studentName({ extractors, solved, variant }: StudentSpec, modalities: readonly string[]): string {
  const used = extractors.flatMap((e, m) => (e.kind === 'skip' ? [] : [`${modalities[m]}:${extractorName(e)}`]))
  return `${solved ? `${solved} ` : ''}${used.join('+')}${variant ? ` (${variant})` : ''}`
}

/** Where one modality enters the head: `offset` numbers into its input, `width` of them; with the network that makes them, if any. */
export interface Port {
  readonly modality: number
  readonly source: string
  readonly offset: number
  readonly width: number
  readonly encoder?: MlpSpec
}

/** A student worked out: its ports, networks and the layout of its block (encoders in the order of modalities, then the head). */
export interface Student {
  readonly spec: StudentSpec
  readonly ports: readonly Port[]
  readonly head: MlpSpec
  readonly layout: Layout
}

/** @param features prepared features of each modality */
export function studentOf(spec: StudentSpec, features: readonly number[]): Student {
  let offset = 0
  const ports: Port[] = []
  spec.extractors.forEach((extractor, modality) => {
    if (extractor.kind === 'skip') return
    const width = extractorWidth(extractor, features[modality])
    const source = sourceName(modality, extractor)
    ports.push({ modality, source, offset, width, encoder: encoderOf(extractor, features[modality], spec.activation) })
    offset += width
  })
  const head = { widths: [offset, ...spec.hidden, spec.outputs], activation: spec.activation }
  const shapes = ports.flatMap((port) => (port.encoder ? mlpShapes(`encoder.${port.modality}`, port.encoder) : []))
  return { spec, ports, head, layout: layoutOf([...shapes, ...mlpShapes('head', head)]) }
}

/** The network of the student's own that an extractor asks for, if any. */
function encoderOf(extractor: Extractor, features: number, activation: Activation): MlpSpec | undefined {
  if (extractor.kind !== 'mlp' && extractor.kind !== 'sliced') return undefined
  const widths = [features, ...extractor.widths]
  return extractor.kind === 'mlp' ? { widths, activation } : { widths, activation, last: activation }
}

/** Rows of one modality in memory, (rows, width). */
export interface Source {
  readonly at: Pointer
  readonly width: number
}

/** Room for what a student computes on at most `rows` rows: the head's input, each port's window of it, and every hidden layer. */
export interface Workspace {
  readonly input: Window
  readonly ports: readonly Window[]
  readonly encoders: readonly (readonly Window[])[]
  readonly hidden: readonly Window[]
}

export function workspaceOf(memory: Memory, student: Student, rows: number): Workspace {
  const room = (width: number): Window => ({ at: memory.alloc(4 * rows * width), ld: width })
  const inner = (spec: MlpSpec) => spec.widths.slice(1, -1).map(room)
  const input = room(student.head.widths[0])
  return {
    input,
    ports: student.ports.map((port) => ({ at: input.at + 4 * port.offset, ld: input.ld })),
    encoders: student.ports.map((port) => (port.encoder ? inner(port.encoder) : [])),
    hidden: inner(student.head),
  }
}

/** The layers of a student whose block stands at `block`: of the encoder of each port (none: empty) and of the head. */
export interface StudentLayers {
  readonly block: Pointer
  readonly encoders: readonly (readonly Dense[])[]
  readonly head: readonly Dense[]
}

export function layersOf(student: Student, block: Pointer): StudentLayers {
  let at = block
  const next = (spec: MlpSpec) => {
    const layers = mlpLayers(spec, at)
    for (const { inputs, outputs } of layers) at += 4 * (inputs + 1) * outputs
    return layers
  }
  return { block, encoders: student.ports.map((port) => (port.encoder ? next(port.encoder) : [])), head: next(student.head) }
}

/**
 * out (B, outputs) of the rows that `index` (B) i32 chooses: logits, or the outputs of a regression.
 * Extractors write into their window of the head's input, so there is no concatenation.
 * @param batches rows of `index` already gathered, for the modalities that some encoder reads; by modality
 */
export function runStudent(
  kernels: InferKernels,
  out: Window,
  student: Student,
  layers: StudentLayers,
  work: Workspace,
  sources: ReadonlyMap<string, Source>,
  batches: readonly (Window | undefined)[],
  index: Pointer,
  B: number,
  between?: Between,
): void {
  for (let i = 0; i < student.ports.length; i++) {
    const port = student.ports[i]
    const window = work.ports[i]
    if (port.encoder) {
      mlp(kernels, window, batches[port.modality] as Window, layers.encoders[i], work.encoders[i], B, between)
    } else {
      const source = sources.get(port.source) as Source
      kernels.gatherRows(window.at, source.at, index, B, port.width, window.ld, source.width)
    }
  }
  mlp(kernels, out, work.input, layers.head, work.hidden, B, between)
}
