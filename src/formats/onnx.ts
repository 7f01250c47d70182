// Model → ONNX: the whole of a prediction as one graph, from raw columns to probabilities or values, for one rule and one set of
// modalities. What is there is what `fusion/predictor.ts` runs: preparation in f64, frozen layers, students of weight above 0,
// their combination.
// N rows, C columns, D outputs. Numbers of fields and types are those of onnx.proto (onnx/onnx, IR version 8).

import { ConfigError, FormatError } from '../core/errors.ts'
import { VERSION } from '../core/version.ts'
import type { CategoryColumn, Modality, NumberColumn } from '../data/dataset.ts'
import { type CategoryPreparation, type NumberPreparation, type Preparation, preparedWidth, readerOf } from '../data/prepare.ts'
import { type Doubt, LEAST, type Voices } from '../fusion/doubt.ts'
import { isVote, type Rule } from '../fusion/ensemble.ts'
import { sourceBefore, sourceName } from '../fusion/extractor.ts'
import { doubtOf, type Model, type ModelTarget, memberOf, modelOutputs, ownRule } from '../fusion/model.ts'
import { speakersOf } from '../fusion/speakers.ts'
import { metaLearner } from '../fusion/stacking.ts'
import { type Student, studentOf } from '../fusion/student.ts'
import type { Activation } from '../nn/dense.ts'
import type { MlpSpec } from '../nn/mlp.ts'
import { delimited, encoded, type Message, message, number } from './protobuf.ts'

export interface OnnxOptions {
  /** Which of the model's ensembles; its own when left out. */
  readonly rule?: Rule
  /** Modalities that the rows of this graph lack: each set of them is a graph of its own. */
  readonly missing?: readonly string[]
}

/** Version of the ONNX file format and of the operators: those that every runtime since 2022 knows. */
const IR_VERSION = 8
const OPSET = 17

/** What protocol buffers can hold. */
const MAX_BYTES = 2 ** 31 - 1

const FLOAT = 1
const INT64 = 7
const BOOL = 9
const DOUBLE = 11

/**
 * The ONNX file of a model.
 *
 * Inputs: one float64 (N, C) for each modality that is not missing, named like it, with the columns that the model uses, in its
 * order, as measured (`onnxInput` makes them): NaN is a gap; a category is its index in the column's levels, and any other number,
 * such as NaN or -1, an unknown one. Outputs of a classification: `probabilities` float32 (N, D), of votes their shares, and
 * `label` int64 (N), the most probable class, the first of equals; of a regression: `values` float64 (N, D), in the target's units.
 *
 * Metadata: `metafusion` is the library's version; `task`; `classes` or `outputs`, a JSON list; `rule`; `missing`, a JSON list;
 * `inputs`, a JSON list of `{"input", "modality", "columns": [{"name", "levels"?}]}`. The same model gives the same bytes.
 * @throws ConfigError for a rule that the model lacks, a modality it does not know, or when no student can do without those that
 *   are missing; FormatError when the graph is larger than the 2 GiB that ONNX allows
 */
export function writeOnnx(model: Model, { rule = ownRule(model), missing = [] }: OnnxOptions = {}): Uint8Array<ArrayBuffer> {
  const { preparations, target } = model
  const here = presentOf(preparations, missing)
  const doubt = doubtOf(model, rule)
  const pattern = here.map((there) => (there ? '1' : '0')).join('')
  const { voices } = speakersOf(model, rule)(pattern)
  if (!voices)
    throw new ConfigError(
      `no student of the model can do without ${missing.map((name) => JSON.stringify(name)).join(', ')}: leave fewer out`,
    )
  const graph = new Graph()
  const results = resultsOf(target)
  for (const { name } of results) graph.reserve(name)
  const inputs = preparations.map(({ modality }, m) => (here[m] ? graph.reserve(modality) : undefined))
  const said = speak(graph, model, inputs, voices.members)
  decide(graph, model, rule, said, voices, doubt)

  const schema = preparations.flatMap(({ modality, columns }, m) => {
    const input = inputs[m]
    const described = columns.map((c) => (c.kind === 'number' ? { name: c.name } : { name: c.name, levels: c.levels }))
    return input === undefined ? [] : [{ input, modality, columns: described }]
  })
  const given = schema.map(({ input, columns }) => ({ name: input, type: DOUBLE, shape: [columns.length] }))
  const metadata = {
    metafusion: VERSION,
    task: target.task,
    [target.task === 'classification' ? 'classes' : 'outputs']: JSON.stringify(modelOutputs(target)),
    rule,
    missing: JSON.stringify(preparations.flatMap(({ modality }, m) => (here[m] ? [] : [modality]))),
    inputs: JSON.stringify(schema),
  }
  const file = message(
    number(1, IR_VERSION),
    delimited(2, 'metafusion'),
    delimited(3, VERSION),
    delimited(6, `Meta Fusion by the rule ${rule}. ${HOW}`),
    delimited(7, graph.message(given, results)),
    delimited(8, message(delimited(1, ''), number(2, OPSET))),
    ...Object.entries(metadata).map(([key, value]) => delimited(14, message(delimited(1, key), delimited(2, value)))),
  )
  if (file.bytes > MAX_BYTES)
    throw new FormatError(
      `the graph takes ${file.bytes} bytes and ONNX allows ${MAX_BYTES}: export a rule that uses fewer students`,
    )
  return encoded(file)
}

const HOW =
  'Inputs are raw columns in the order of the metadata "inputs": NaN for a gap, and for a category its index in "levels", NaN or -1 for another.'

/**
 * What a graph's input of this modality is given: (rows, columns) row-major, in the order of the model.
 * @param rows which, in the order wanted
 * @throws DataError when a column is missing or of the other kind
 */
export function onnxInput(
  preparation: Preparation,
  modality: Modality,
  rows: ArrayLike<number> = Int32Array.from(modality.present.keys()),
): Float64Array<ArrayBuffer> {
  const { columns } = preparation
  const out = new Float64Array(rows.length * columns.length)
  readerOf(preparation)
    .find(modality)
    .forEach((given, c) => {
      const wanted = columns[c]
      const cell =
        wanted.kind === 'number' ? (row: number) => (given as NumberColumn).values[row] : coded(wanted, given as CategoryColumn)
      for (let i = 0; i < rows.length; i++) out[i * columns.length + c] = cell(rows[i])
    })
  return out
}

/** A category as its index in the levels of the model; -1 for a gap or an unknown level. */
function coded({ levels }: CategoryPreparation, { codes, levels: given }: CategoryColumn): (row: number) => number {
  const places = given.map((level) => levels.indexOf(level))
  return (row) => places[codes[row]] ?? -1
}

/** For each modality whether it is there. @throws ConfigError for a name that is none's */
function presentOf(preparations: readonly Preparation[], missing: readonly string[]): boolean[] {
  const names = preparations.map((p) => p.modality)
  const unknown = missing.find((name) => !names.includes(name))
  if (unknown !== undefined)
    throw new ConfigError(
      `the model has no modality ${JSON.stringify(unknown)} that could be missing: it has ${names.join(', ')}`,
    )
  return names.map((name) => !missing.includes(name))
}

/** The name of a tensor of the graph. */
type Value = string

/** An input or output: any number of rows of this shape. */
interface Declared {
  readonly name: Value
  readonly type: number
  readonly shape: readonly number[]
}

const resultsOf = (target: ModelTarget): readonly Declared[] =>
  target.task === 'classification'
    ? [
        { name: 'probabilities', type: FLOAT, shape: [target.classes.length] },
        { name: 'label', type: INT64, shape: [] },
      ]
    : [{ name: 'values', type: DOUBLE, shape: [target.outputs.length] }]

/** Nodes in the order of computation, and constants, each of a name of its own. */
class Graph {
  readonly #nodes: Message[] = []
  readonly #constants: Message[] = []
  // No name at all means that there is no tensor.
  readonly #names = new Set([''])

  /** This name, or one like it that is free. */
  reserve(wanted: string): string {
    let name = wanted
    while (this.#names.has(name)) name += '_'
    this.#names.add(name)
    return name
  }

  /** One operation; its result has the given name, or one of its own. */
  node(op: string, inputs: readonly Value[], attributes: Record<string, number> = {}, result?: string): Value {
    const name = result ?? this.reserve(`${op}.${this.#nodes.length}`)
    this.#nodes.push(
      message(
        ...inputs.map((input) => delimited(1, input)),
        delimited(2, name),
        delimited(3, name),
        delimited(4, op),
        ...Object.entries(attributes).map(([key, value]) =>
          delimited(5, message(delimited(1, key), number(3, value), number(20, INTEGER))),
        ),
      ),
    )
    return name
  }

  /** A constant of f32, f64 or i64. */
  constant(wanted: string, shape: readonly number[], values: Float32Array | Float64Array | BigInt64Array): Value {
    const name = this.reserve(wanted)
    const type = values instanceof Float32Array ? FLOAT : values instanceof Float64Array ? DOUBLE : INT64
    const raw = new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
    this.#constants.push(message(...shape.map((n) => number(1, n)), number(2, type), delimited(8, name), delimited(9, raw)))
    return name
  }

  /** Side by side. */
  concat(parts: readonly Value[]): Value {
    return parts.length === 1 ? parts[0] : this.node('Concat', parts, { axis: 1 })
  }

  message(inputs: readonly Declared[], outputs: readonly Declared[]): Message {
    return message(
      ...this.#nodes.map((node) => delimited(1, node)),
      delimited(2, 'metafusion'),
      ...this.#constants.map((tensor) => delimited(5, tensor)),
      ...inputs.map((input) => delimited(11, declared(input))),
      ...outputs.map((output) => delimited(12, declared(output))),
    )
  }
}

/** The type of an attribute that is a whole number. */
const INTEGER = 2

function declared({ name, type, shape }: Declared): Message {
  const dims = [delimited(1, delimited(2, 'rows')), ...shape.map((n) => delimited(1, number(1, n)))]
  return message(delimited(1, name), delimited(2, delimited(1, message(number(1, type), delimited(2, message(...dims))))))
}

/** What each of the students says, (N, D) each: logits or values. @param inputs of each modality; none if it is missing */
function speak(graph: Graph, model: Model, inputs: readonly (Value | undefined)[], members: readonly number[]): Value[] {
  const { preparations, projections, students } = model
  // Rows that extractors read, by the name that students know them by: each is computed once, and only if someone reads it.
  const makers = new Map<string, () => Value>()
  preparations.forEach((preparation, m) => {
    const input = inputs[m]
    makers.set(sourceName(m, { kind: 'raw' }), () =>
      input === undefined ? filled(graph, inputs, preparation) : prepare(graph, input, m, preparation),
    )
  })
  projections.forEach(({ modality, name, weight, bias, activation = 'identity' }, i) => {
    makers.set(`${modality}:${name}`, () =>
      dense(graph, source(sourceBefore(modality, name)), `projections.${i}`, weight, bias, activation),
    )
  })
  const made = new Map<string, Value>()
  const source = (name: string): Value => {
    const value = made.get(name) ?? (makers.get(name) as () => Value)()
    made.set(name, value)
    return value
  }
  const features = preparations.map(preparedWidth)
  return members.map((i) => {
    const student = memberOf(students[i], features)
    const run = (x: Value, part: string, spec: MlpSpec) =>
      network(graph, x, `students.${i}`, part, spec, student, students[i].block)
    const heard = student.ports.map((port) => {
      const x = source(port.source)
      return port.encoder ? run(x, `encoder.${port.modality}`, port.encoder) : x
    })
    return run(graph.concat(heard), 'head', student.head)
  })
}

/** A modality's raw columns (N, C) as the students know them: standardised, gaps 0, categories spread over 0 and 1. */
function prepare(graph: Graph, input: Value, m: number, { columns, clip }: Preparation): Value {
  const name = `preparations.${m}`
  const pick = (first: number, count: number) => {
    if (count === columns.length) return input
    const places = BigInt64Array.from({ length: count }, (_, i) => BigInt(first + i))
    return graph.node('Gather', [input, graph.constant(`${name}.columns`, [count], places)], { axis: 1 })
  }
  const parts: Value[] = []
  for (let at = 0; at < columns.length; ) {
    const column = columns[at]
    const first = at++
    if (column.kind === 'category') {
      parts.push(spread(graph, pick(first, 1), name, column))
      continue
    }
    while (columns[at]?.kind === 'number') at++
    parts.push(standardise(graph, pick(first, at - first), name, columns.slice(first, at) as NumberPreparation[], clip))
  }
  return parts.length === 0 ? graph.node('Cast', [input], { to: FLOAT }) : graph.concat(parts)
}

/** (x - mean) / scale in f64, of skewed columns that of asinh((x - centre) / spread), clipped and rounded to f32; 0 for a gap. */
function standardise(graph: Graph, x: Value, name: string, columns: readonly NumberPreparation[], clip?: number): Value {
  const row = (what: string, of: (c: NumberPreparation) => number) =>
    graph.constant(`${name}.${what}`, [columns.length], Float64Array.from(columns, of))
  let value = x
  if (columns.some(({ unskew }) => unskew)) {
    const centre = row('centre', ({ unskew }) => unskew?.centre ?? 0)
    const t = graph.node('Div', [graph.node('Sub', [x, centre]), row('spread', ({ unskew }) => unskew?.spread ?? 1)])
    const asinh = graph.node('Mul', [graph.node('Sign', [t]), asinhOf(graph, graph.node('Abs', [t]), name)])
    const skewed = graph.node('Cast', [row('skewed', ({ unskew }) => (unskew ? 1 : 0))], { to: BOOL })
    value = graph.node('Where', [skewed, asinh, x])
  }
  let z = graph.node('Div', [graph.node('Sub', [value, row('mean', (c) => c.mean)]), row('scale', (c) => c.scale)])
  if (clip !== undefined) {
    const end = (sign: number) => graph.constant(`${name}.clip`, [], Float64Array.of(sign * clip))
    z = graph.node('Clip', [z, end(-1), end(1)])
  }
  // Of x: what NaN is once it was clipped, runtimes need not agree on.
  const gap = graph.node('IsNaN', [graph.node('Cast', [x], { to: FLOAT })])
  const zero = graph.constant(`${name}.gap`, [], Float32Array.of(0))
  return graph.node('Where', [gap, zero, graph.node('Cast', [z], { to: FLOAT })])
}

/** asinh of x ≥ 0, as `data/asinh.ts` has it: of large ones, whose square would have no end, ln(2 x). */
function asinhOf(graph: Graph, x: Value, name: string): Value {
  const number = (what: string, value: number) => graph.constant(`${name}.${what}`, [], Float64Array.of(value))
  const root = graph.node('Sqrt', [graph.node('Add', [graph.node('Mul', [x, x]), number('one', 1)])])
  const near = graph.node('Log', [graph.node('Add', [x, root])])
  const far = graph.node('Add', [graph.node('Log', [x]), number('ln2', Math.LN2)])
  return graph.node('Where', [graph.node('Greater', [x, number('large', 1e8)]), far, near])
}

/** 1 at the level that the code (N, 1) is the index of: none for NaN and numbers beyond. */
function spread(graph: Graph, code: Value, name: string, { levels }: CategoryPreparation): Value {
  const places = graph.constant(`${name}.levels`, [levels.length], Float64Array.from(levels.keys()))
  return graph.node('Cast', [graph.node('Equal', [code, places])], { to: FLOAT })
}

/** What a student that fills takes for a modality that is missing: the mean, 0, in as many rows as a modality that is there has. */
function filled(graph: Graph, inputs: readonly (Value | undefined)[], preparation: Preparation): Value {
  const there = inputs.find((input) => input !== undefined) as Value
  const width = preparedWidth(preparation)
  const rows = graph.node('Shape', [there], { end: 1 })
  const shape = graph.node('Concat', [rows, graph.constant('one', [1], BigInt64Array.of(1n))], { axis: 0 })
  return graph.node('Expand', [graph.constant('filled', [1, width], new Float32Array(width)), shape])
}

/** act(x · weightᵀ + bias) */
function dense(graph: Graph, x: Value, name: string, weight: Float32Array, bias: Float32Array, activation: Activation): Value {
  const D = bias.length
  const w = graph.constant(`${name}.weight`, [D, weight.length / D], weight)
  const z = graph.node('Gemm', [x, w, graph.constant(`${name}.bias`, [D], bias)], { transB: 1 })
  return activation === 'identity' ? z : graph.node(OPERATORS[activation], [z])
}

const OPERATORS = { relu: 'Relu', tanh: 'Tanh', sigmoid: 'Sigmoid' } as const satisfies Record<
  Exclude<Activation, 'identity'>,
  string
>

/** A part of a student, its tensors named as in the model file. */
function network(
  graph: Graph,
  x: Value,
  name: string,
  part: string,
  { widths, activation, last = 'identity' }: MlpSpec,
  { layout }: Student,
  block: Float32Array,
): Value {
  const tensor = (wanted: string) => {
    const { offset = 0, size = 0 } = layout.tensors.find((t) => t.name === wanted) ?? {}
    return block.subarray(offset, offset + size)
  }
  return widths.slice(1).reduce((h, _, l) => {
    const layer = `${part}.${l}`
    const act = l === widths.length - 2 ? last : activation
    return dense(graph, h, `${name}.${layer}`, tensor(`${layer}.weight`), tensor(`${layer}.bias`), act)
  }, x)
}

/** The graph's outputs of what the students said. */
function decide(graph: Graph, model: Model, rule: Rule, said: readonly Value[], voices: Voices, doubt?: Doubt): void {
  const { target, ensembles, students } = model
  const { members, weights, doubted } = voices
  const D = modelOutputs(target).length
  const softmax = (x: Value, result?: string) => graph.node('Softmax', [x], { axis: 1 }, result)
  const stacked = rule === 'stacking' && stack(graph, said, members, students.length, D, ensembles.stacking as Float32Array)
  if (target.task === 'regression') {
    const z = graph.node('Cast', [stacked || weigh(graph, said, weights)], { to: DOUBLE })
    const scaled = graph.node('Mul', [z, graph.constant('target.scale', [D], target.scale)])
    graph.node('Add', [scaled, graph.constant('target.mean', [D], target.mean)], {}, 'values')
    return
  }
  const heard = isVote(rule)
    ? vote(graph, said, D)
    : ensembles.average === 'logits'
      ? said
      : said.map((logits) => softmax(logits))
  const chances = (mine: Float32Array, result?: string) => {
    if (isVote(rule) || ensembles.average !== 'logits') return weigh(graph, heard, mine, result)
    return softmax(weigh(graph, heard, mine), result)
  }
  if (stacked) softmax(stacked, 'probabilities')
  else if (!doubt || doubted.length === 0) chances(weights, 'probabilities')
  else {
    const pairs = doubted.map(({ alone, without }) => ({ alone: chances(alone), without: chances(without) }))
    believe(graph, chances(weights), pairs, doubt)
  }
  graph.node('ArgMax', ['probabilities'], { axis: 1, keepdims: 0 }, 'label')
}

/** What `fusion/doubt.ts` makes of the probabilities of all, and of each modality alone and of the others. */
function believe(graph: Graph, all: Value, pairs: readonly { alone: Value; without: Value }[], { chance, prior }: Doubt): void {
  const wide = (x: Value) => graph.node('Cast', [x], { to: DOUBLE })
  const number = (what: string, value: number) => graph.constant(`doubt.${what}`, [], Float64Array.of(value))
  const shares = graph.constant('doubt.prior', [prior.length], Float64Array.from(prior))
  const own = number('own', 1 - chance)
  const each = number('each', chance / pairs.length)
  const least = number('least', LEAST)
  const axis = graph.constant('doubt.axis', [1], BigInt64Array.of(1n))
  const ratios = pairs.map(({ alone }) => graph.node('Div', [graph.node('Max', [wide(alone), least]), shares]))
  /** How likely it is to see some modalities together. */
  const together = (some: readonly Value[]) =>
    graph.node('ReduceSum', [some.reduce((product, ratio) => graph.node('Mul', [product, ratio]), shares), axis])
  const views = [
    { likely: graph.node('Mul', [own, together(ratios)]), said: all },
    ...pairs.map(({ without }, k) => ({
      likely: graph.node('Mul', [each, together(ratios.filter((_, j) => j !== k))]),
      said: without,
    })),
  ]
  const mixed = graph.node(
    'Sum',
    views.map(({ likely, said }) => graph.node('Mul', [likely, wide(said)])),
  )
  const sum = graph.node(
    'Sum',
    views.map(({ likely }) => likely),
  )
  graph.node('Cast', [graph.node('Div', [mixed, sum])], { to: FLOAT }, 'probabilities')
}

/** The weighted sum of those with a weight, added in their order. */
function weigh(graph: Graph, said: readonly Value[], weights: Float32Array, result?: string): Value {
  const terms = said.flatMap((value, k) =>
    weights[k] > 0 ? [graph.node('Mul', [value, graph.constant(`ensemble.${k}`, [], Float32Array.of(weights[k]))])] : [],
  )
  return graph.node('Sum', terms, {}, result)
}

/** 1 for the largest output of each row, the first of equals. */
function vote(graph: Graph, said: readonly Value[], D: number): Value[] {
  const classes = graph.constant(
    'classes',
    [D],
    BigInt64Array.from({ length: D }, (_, d) => BigInt(d)),
  )
  return said.map((logits) => {
    const best = graph.node('ArgMax', [logits], { axis: 1, keepdims: 1 })
    return graph.node('Cast', [graph.node('Equal', [best, classes])], { to: FLOAT })
  })
}

/** What the meta learner makes of what the members said. It hears 0 of the others, so their columns are left out. */
function stack(
  graph: Graph,
  said: readonly Value[],
  members: readonly number[],
  students: number,
  D: number,
  block: Float32Array,
): Value {
  const { spec, head } = metaLearner(students, D)
  const width = head.widths[0]
  const heard = members.length * D
  const narrow = studentOf(spec, [heard])
  const own = new Float32Array(narrow.layout.size)
  for (let row = 0; row < width; row++) {
    members.forEach((i, k) => {
      const at = row * width + i * D
      own.set(block.subarray(at, at + D), row * heard + k * D)
    })
  }
  own.set(block.subarray(width * width), width * heard)
  return network(graph, graph.concat(said), 'stacking', 'head', narrow.head, narrow, own)
}
