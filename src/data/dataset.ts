import { DataError, ShapeError } from '../core/errors.ts'

/** A column of measurements; NaN is a gap. */
export interface NumberColumn {
  readonly kind: 'number'
  readonly name: string
  readonly values: Float64Array
}

/** A column of categories: an index into `levels` per row; -1 is a gap. */
export interface CategoryColumn {
  readonly kind: 'category'
  readonly name: string
  readonly codes: Int32Array
  readonly levels: readonly string[]
}

export type Column = NumberColumn | CategoryColumn

/** One view of the subjects. A row whose `present` is 0 has no such view at all: its cells mean nothing. */
export interface Modality {
  readonly name: string
  readonly columns: readonly Column[]
  readonly present: Uint8Array
}

/** What is to be predicted. Labels index `classes`; values are (rows, outputs), row-major. */
export type Target =
  | { readonly task: 'classification'; readonly classes: readonly string[]; readonly labels: Int32Array }
  | { readonly task: 'regression'; readonly outputs: readonly string[]; readonly values: Float64Array }

/** Subjects as rows, several views of each. */
export interface Inputs {
  readonly ids: readonly string[]
  readonly modalities: readonly Modality[]
}

/** Inputs and what they should predict. */
export interface Dataset extends Inputs {
  readonly title?: string
  readonly target: Target
  /** What the rows are of, one name each: rows of one subject, family or site, which no split may part. */
  readonly groups?: readonly string[]
  /** Where the data were made rather than measured: what they were made of, a view of the same subjects for each modality. */
  readonly oracle?: readonly Modality[]
}

/** Values a subject's outcome has: classes, or outputs of a regression. */
export const targetNames = (target: Target): readonly string[] =>
  target.task === 'classification' ? target.classes : target.outputs

/**
 * A modality from an array of numbers.
 * @param values (rows, features) row-major; NaN is a gap
 * @param features the features' names; `0`, `1`, … when only their number is given
 * @param present 1 for each row that has this modality; when left out, every row but those of nothing but gaps
 * @throws ShapeError when the sizes do not fit
 */
export function modality(
  name: string,
  values: Float32Array | Float64Array,
  features: readonly string[] | number,
  present?: Uint8Array,
): Modality {
  const names = typeof features === 'number' ? Array.from({ length: features }, (_, i) => String(i)) : features
  const rows = values.length / names.length
  if (!Number.isInteger(rows)) {
    throw new ShapeError(`modality "${name}" has ${values.length} values, which is no multiple of its ${names.length} features`)
  }
  const columns = names.map((feature, j) => {
    const column = new Float64Array(rows)
    for (let i = 0; i < rows; i++) column[i] = values[i * names.length + j]
    return { kind: 'number', name: feature, values: column } as const
  })
  const known = (_: unknown, row: number) => (columns.some((column) => !Number.isNaN(column.values[row])) ? 1 : 0)
  return { name, columns, present: present ?? Uint8Array.from({ length: rows }, known) }
}

/**
 * Checks what the types cannot say.
 * @param distinct column names of the modalities it has as keys, as they were last found to be distinct: the same names are not
 *   looked at again, however often. They are compared by what they say, so it does not matter whose arrays hold them
 * @throws ShapeError, DataError naming the modality, row and value
 */
export function checkInputs({ ids, modalities }: Inputs, distinct?: Map<string, readonly string[]>): void {
  if (ids.length === 0) throw new DataError('there are no rows: give at least one subject')
  if (ids.length > 1) {
    const seen = new Set<string>()
    for (const id of ids) {
      if (seen.has(id)) throw new DataError(`id "${id}" stands twice: give each subject one row`)
      seen.add(id)
    }
  }
  if (modalities.length === 0) throw new DataError('there is no modality: give at least one view of the subjects')
  const names = new Set<string>()
  for (const { name, columns, present } of modalities) {
    if (names.has(name)) throw new DataError(`two modalities are named "${name}": give each its own name`)
    names.add(name)
    if (present.length !== ids.length) {
      throw new ShapeError(
        `modality "${name}" has ${present.length} rows, there are ${ids.length} ids: give every modality one row per subject`,
      )
    }
    let known = distinct?.get(name)
    if (known?.length !== columns.length) known = undefined
    let features = known ? undefined : new Set<string>()
    for (let c = 0; c < columns.length; c++) {
      const column = columns[c]
      if (known && known[c] !== column.name) {
        features = new Set(known.slice(0, c))
        known = undefined
      }
      if (features?.has(column.name))
        throw new DataError(`modality "${name}" has two features named "${column.name}": rename one`)
      features?.add(column.name)
      checkColumn(name, column, present, ids)
    }
    if (features && distinct?.has(name)) distinct.set(name, [...features])
  }
}

function checkColumn(modality: string, column: Column, present: Uint8Array, ids: readonly string[]): void {
  const cells = column.kind === 'number' ? column.values : column.codes
  if (cells.length !== ids.length) {
    throw new ShapeError(`feature "${column.name}" of "${modality}" has ${cells.length} rows, there are ${ids.length} ids`)
  }
  const bad = column.kind === 'number' ? badNumber(column.values, present) : badCode(column.codes, column.levels.length, present)
  if (bad < 0) return
  throw new DataError(
    `feature "${column.name}" of "${modality}" is ${cells[bad]} for "${ids[bad]}": ` +
      (column.kind === 'number'
        ? 'give a finite number, or NaN for a gap'
        : `give an index into its ${column.levels.length} levels, or -1`),
  )
}

// The first row that has the modality and cannot be, or -1. One loop for each type of array: a loop over both is slower.

function badNumber(values: Float64Array, present: Uint8Array): number {
  for (let i = 0; i < values.length; i++) if (Math.abs(values[i]) === Infinity && present[i]) return i
  return -1
}

function badCode(codes: Int32Array, levels: number, present: Uint8Array): number {
  for (let i = 0; i < codes.length; i++) if (!(codes[i] >= -1 && codes[i] < levels) && present[i]) return i
  return -1
}

/** checkInputs, the target, and that every modality has a column (a model may use none of it). @throws ShapeError, DataError */
export function checkDataset(data: Dataset): void {
  checkInputs(data)
  if (data.oracle) checkInputs({ ids: data.ids, modalities: data.oracle })
  const bare = data.modalities.find(({ columns }) => columns.length === 0)
  if (bare) throw new DataError(`modality "${bare.name}" has no features: give it at least one column`)
  const { target, ids, groups } = data
  if (groups && groups.length !== ids.length) {
    throw new ShapeError(`there are ${groups.length} groups for ${ids.length} ids: give every row the name of its group`)
  }
  if (target.task !== 'classification' && target.task !== 'regression') {
    throw new ShapeError(`the target's task is ${JSON.stringify((target as Target).task)}: give "classification" or "regression"`)
  }
  const held = target.task === 'classification' ? target.labels instanceof Int32Array : target.values instanceof Float64Array
  if (!held) {
    throw new ShapeError(
      target.task === 'classification'
        ? 'the labels are no Int32Array: give them as one'
        : 'the values are no Float64Array: give them as one',
    )
  }
  if (target.task === 'classification') {
    if (target.labels.length !== ids.length)
      throw new ShapeError(`there are ${target.labels.length} labels for ${ids.length} ids`)
    if (target.classes.length < 2) throw new DataError(`there is only the class "${target.classes[0]}": a classifier needs two`)
    for (let i = 0; i < ids.length; i++) {
      if (!(target.labels[i] >= 0 && target.labels[i] < target.classes.length)) {
        throw new DataError(
          `the label of "${ids[i]}" is ${target.labels[i]}: give an index into the ${target.classes.length} classes`,
        )
      }
    }
  } else {
    const outputs = target.outputs.length
    if (target.values.length !== ids.length * outputs) {
      throw new ShapeError(`the target has ${target.values.length} values for ${ids.length} ids and ${outputs} outputs`)
    }
    const bad = target.values.findIndex((v) => !Number.isFinite(v))
    if (bad >= 0) {
      throw new DataError(
        `the target "${target.outputs[bad % outputs]}" of "${ids[Math.floor(bad / outputs)]}" is ${target.values[bad]}: give a finite number`,
      )
    }
  }
}

/** A fingerprint of everything in the data set, to tell later whether a file was trained on it (FNV-1a, 64 bits). */
export function digest(data: Pick<Dataset, 'ids' | 'modalities' | 'target'>): string {
  let low = 0x84222325 | 0
  let high = 0xcbf29ce4 | 0
  const bytes = (array: ArrayBufferView) => {
    const view = new Uint8Array(array.buffer, array.byteOffset, array.byteLength)
    // In variables of the loop's own: those that functions share are an order of magnitude slower.
    let [l, h] = [low, high]
    for (let i = 0; i < view.length; i++) {
      l ^= view[i]
      // The 64-bit product with 2⁴⁰ + 0x1b3; what its low half carries over, by halves of 16 bits.
      const carry = ((l >>> 16) * 0x1b3 + (((l & 0xffff) * 0x1b3) >>> 16)) >>> 16
      h = (Math.imul(h, 0x1b3) + carry + (l << 8)) | 0
      l = Math.imul(l, 0x1b3)
    }
    low = l
    high = h
  }
  const text = (s: string) => bytes(new TextEncoder().encode(`${s}\0`))
  data.ids.forEach(text)
  for (const m of data.modalities) {
    text(m.name)
    bytes(m.present)
    for (const column of m.columns) {
      text(column.name)
      if (column.kind === 'category') column.levels.forEach(text)
      bytes(column.kind === 'number' ? column.values : column.codes)
    }
  }
  targetNames(data.target).forEach(text)
  bytes(data.target.task === 'classification' ? data.target.labels : data.target.values)
  const hex = (word: number) => (word >>> 0).toString(16).padStart(8, '0')
  return `fnv1a64:${hex(high)}${hex(low)}`
}

/** A fingerprint of the ids of some rows, whatever their order. */
export function idsDigest({ ids }: Pick<Dataset, 'ids'>, rows: Iterable<number>): string {
  const chosen = Array.from(rows, (row) => ids[row]).sort()
  return digest({ ids: chosen, modalities: [], target: { task: 'regression', outputs: [], values: new Float64Array() } })
}
