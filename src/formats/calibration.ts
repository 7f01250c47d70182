// A model's calibration in its file: how many numbers there are of what, in the description; the numbers, one behind the other, in a tensor.

import { FormatError } from '../core/errors.ts'
import { type Calibration, KEPT, type Sample } from '../fusion/calibration.ts'

/** `cells`: [entry of the patterns, output, rows]. */
export interface DescribedCalibration {
  readonly source: Calibration['source']
  readonly cells: readonly (readonly [pattern: number, output: number, rows: number])[]
  readonly disagreement: number
  readonly distance: readonly number[]
  readonly floor: number
}

export function describeCalibration(
  { source, cells, disagreement, distance, floor }: Calibration,
  patterns: readonly string[],
): { described: DescribedCalibration; values: Float32Array } {
  const places = new Map(patterns.map((pattern, p) => [pattern, p]))
  const samples = [...cells.map(({ sample }) => sample), disagreement, ...distance].map(({ values }) => values)
  const all = [...samples, floor]
  const values = new Float32Array(all.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of all) {
    values.set(part, at)
    at += part.length
  }
  return {
    described: {
      source,
      cells: cells.map(({ pattern, output, sample }) => [places.get(pattern) as number, output, sample.rows]),
      disagreement: disagreement.rows,
      distance: distance.map(({ rows }) => rows),
      floor: floor.length,
    },
    values,
  }
}

const kept = (rows: number): number => Math.min(KEPT, rows)

/** Whether a description is one. @param sizes of what it may name */
export function isCalibration(
  c: unknown,
  sizes: { patterns: number; outputs: number; modalities: number; floor: number },
): boolean {
  const { source, cells, disagreement, distance, floor } = (c ?? {}) as DescribedCalibration
  const count = (n: unknown, from = 0) => Number.isInteger(n) && (n as number) >= from && (n as number) < 2 ** 31
  return (
    (source === 'held' || source === 'out-of-fold') &&
    Array.isArray(cells) &&
    cells.every(
      (cell) =>
        Array.isArray(cell) &&
        cell.length === 3 &&
        cell.every((n) => count(n)) &&
        cell[0] < sizes.patterns &&
        cell[1] < sizes.outputs &&
        cell[2] > 0,
    ) &&
    count(disagreement) &&
    Array.isArray(distance) &&
    distance.length === sizes.modalities &&
    distance.every((n) => count(n)) &&
    floor === sizes.floor
  )
}

/** How many numbers a description promises. */
export const calibrationSize = ({ cells, disagreement, distance, floor }: DescribedCalibration): number =>
  [...cells.map(([, , rows]) => rows), disagreement, ...distance].reduce((sum, rows) => sum + kept(rows), 0) + floor

/** @throws FormatError for numbers that are not in order */
export function restoreCalibration(
  described: DescribedCalibration,
  values: Float32Array,
  patterns: readonly string[],
): Calibration {
  let at = 0
  const sample = (rows: number): Sample => {
    const mine = values.slice(at, at + kept(rows))
    at += mine.length
    if (mine.some((v, j) => v < 0 || (j > 0 && v < mine[j - 1])))
      throw new FormatError('the tensor "calibration" holds numbers out of order: the file is damaged')
    return { rows, values: mine }
  }
  const cells = described.cells.map(([p, output, rows]) => ({ pattern: patterns[p], output, sample: sample(rows) }))
  const disagreement = sample(described.disagreement)
  const distance = described.distance.map(sample)
  const floor = values.slice(at)
  if (floor.some((v) => !(v > 0)))
    throw new FormatError('the tensor "calibration" holds a floor that is not above 0: the file is damaged')
  return { source: described.source, cells, disagreement, distance, floor }
}
