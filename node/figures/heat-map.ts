import { ShapeError } from '../../src/core/errors.ts'
import { render, SCHEME, titled } from './render.ts'

/** Values over two lists of names, such as the latent dimensions of two modalities; several tables side by side share a scale. */
export interface HeatMapSpec {
  readonly title?: string
  /** What the values are, with their unit: stands over the colour scale. */
  readonly valueTitle: string
  readonly rows: { readonly title: string; readonly names: readonly string[] }
  readonly columns: { readonly title: string; readonly names: readonly string[] }
  /** Values (rows, columns); one that is null, NaN or infinite leaves its cell blank. */
  readonly panels: readonly { readonly title: string; readonly values: readonly (readonly (number | null)[])[] }[]
  /** Digits behind the point of the printed values; 2 when left out. */
  readonly digits?: number
}

const CELL = { width: 56, height: 28 }

/** As wide as the names of the columns and the title over them need, at the widths of letters of 12 and bold 13 points. */
const cellWidth = (names: readonly string[], titles: readonly string[]): number =>
  Math.max(CELL.width, 7.5 * longest(names) + 8, (9 * longest(titles)) / names.length)

const longest = (texts: readonly string[]): number => Math.max(0, ...texts.map((text) => text.length))

/**
 * A heat map with every value printed in its cell, as an SVG document.
 * @throws ShapeError when a table does not fit the names; ConfigError when Vega is not installed
 */
export async function heatMap({ title, valueTitle, rows, columns, panels, digits = 2 }: HeatMapSpec): Promise<string> {
  const cells = panels.flatMap((panel) => {
    checkTable(panel, rows.names.length, columns.names.length)
    const place = (r: number, c: number) => ({ panel: panel.title, row: rows.names[r], column: columns.names[c] })
    return panel.values.flatMap((row, r) => row.flatMap((value, c) => (isNumber(value) ? [{ ...place(r, c), value }] : [])))
  })
  const least = cells.reduce((a, { value }) => Math.min(a, value), Number.POSITIVE_INFINITY)
  const most = cells.reduce((a, { value }) => Math.max(a, value), Number.NEGATIVE_INFINITY)
  const light = (value: number) => (value - least) / (most - least) > SCHEME.light
  const data = cells.map((cell) => ({ ...cell, text: cell.value.toFixed(digits), light: light(cell.value) }))
  const axis = { labelAngle: 0, ticks: false, domain: false, grid: false }
  return render({
    ...titled(title),
    data: { values: data },
    spacing: 24,
    facet: {
      column: { field: 'panel', sort: panels.map((panel) => panel.title), title: null, header: { labelPadding: 6 } },
    },
    spec: {
      width:
        columns.names.length *
        cellWidth(
          columns.names,
          panels.map((panel) => panel.title),
        ),
      height: CELL.height * rows.names.length,
      encoding: {
        x: { field: 'column', type: 'nominal', scale: { domain: [...columns.names] }, title: columns.title, axis },
        y: { field: 'row', type: 'nominal', scale: { domain: [...rows.names] }, title: rows.title, axis },
      },
      layer: [
        {
          mark: { type: 'rect', stroke: 'white' },
          encoding: {
            color: {
              field: 'value',
              type: 'quantitative',
              scale: { scheme: SCHEME.name as 'viridis', domain: cells.length ? [least, most] : [0, 1] },
              legend: { title: valueTitle, gradientLength: Math.max(80, CELL.height * rows.names.length) },
            },
          },
        },
        {
          mark: { type: 'text', fontSize: 12 },
          encoding: {
            text: { field: 'text', type: 'nominal' },
            color: { condition: { test: 'datum.light', value: 'black' }, value: 'white' },
          },
        },
      ],
    },
  })
}

const isNumber = (value: number | null): value is number => value !== null && Number.isFinite(value)

function checkTable({ title, values }: HeatMapSpec['panels'][number], rows: number, columns: number): void {
  const wrong = values.find((row) => row.length !== columns)
  if (values.length === rows && !wrong) return
  const came = wrong ? `a row of ${wrong.length} values` : `${values.length} rows`
  throw new ShapeError(`the panel "${title}" has ${came}: give ${rows} rows of ${columns} values, null for a missing one`)
}
