import { expect, test } from 'vitest'
import type { NumberColumn } from '../../src/data/dataset.ts'
import { momentsOf } from '../../src/data/moments.ts'
import { noisy } from '../../src/experiments/robustness.ts'
import { randomFrom } from '../../src/wasm/random.ts'
import { openTrainSession } from '../../src/wasm/session.ts'
import { module, ROWS, study } from '../recipe/studies.ts'

test('noise is as large as a column’s known numbers stray, and gaps stay gaps', () => {
  const { data } = study()
  const [scan, ...others] = data.modalities
  const gap = (value: number, row: number) => (row % 4 === 0 ? Number.NaN : value)
  const columns = scan.columns.map((column) => {
    const { values } = column as NumberColumn
    return { ...(column as NumberColumn), values: values.map((value, row) => gap(100 * value, row)) }
  })
  const given = { ...data, modalities: [{ ...scan, columns }, ...others] }
  const random = randomFrom(openTrainSession(module), 1)
  const spoilt = noisy(given, 0, 2, random)
  columns.forEach(({ values }, c) => {
    const found = (spoilt.modalities[0].columns[c] as NumberColumn).values
    const known = Array.from({ length: ROWS }, (_, row) => row).filter((row) => row % 4 !== 0)
    expect(found.map(Number.isNaN as never)).toEqual(values.map(Number.isNaN as never))
    const spread = momentsOf(known.length, (i) => found[known[i]] - values[known[i]]).deviation
    const own = momentsOf(known.length, (i) => values[known[i]]).deviation
    expect(spread / own).toBeGreaterThan(1.6)
    expect(spread / own).toBeLessThan(2.4)
  })
  expect(spoilt.modalities.slice(1)).toEqual(others)
})
