import { lineChart } from '../../figures/line-chart.ts'
import { digits } from '../../report.ts'
import { inlineSvg } from '../charts.ts'
import type { ReportContext, Section } from '../context.ts'
import { figureOf, html, tableOf } from '../html.ts'

const MOST = { rows: 400, outputs: 3 }

/** A regression's values, predicted and true; no row is named. */
export async function agreement({ prediction, data, rows }: ReportContext): Promise<Section | undefined> {
  if (data.target.task !== 'regression') return undefined
  const { values, outputs } = data.target
  const D = outputs.length
  const pairs = outputs.slice(0, MOST.outputs).map((name, d) => {
    const all = Array.from(rows, (row, i) => ({ x: values[row * D + d], y: prediction.values[i * D + d] }))
    const known = all.filter(({ x, y }) => Number.isFinite(x) && Number.isFinite(y))
    const every = Math.ceil(known.length / MOST.rows)
    return { name, rows: known.length, points: known.filter((_, i) => i % every === 0) }
  })
  if (pairs.every(({ points }) => points.length === 0)) return undefined
  const panels = pairs.map(({ name, points }) => {
    const ends = points.reduce(([a, b], { x }) => [Math.min(a, x), Math.max(b, x)], [Infinity, -Infinity])
    return {
      title: name,
      lines: [
        { name: 'exact', curve: ends.map((x) => ({ x, y: x })) },
        { name: 'rows', points },
      ],
    }
  })
  const svg = await lineChart({ x: { title: 'true' }, y: { title: 'predicted' }, lineTitle: 'row by row', panels })
  const alt = `Points: predicted against true values of ${pairs.map(({ name, points }) => `${points.length} rows of ${name}`).join(', ')}; the line is where both are equal.`
  const shown = (rows: number, points: number) => (points < rows ? `${points} of ${rows}` : String(rows))
  const caption = `Predicted against true values: ${pairs.map(({ name, rows, points }) => `${name}, ${shown(rows, points.length)} rows`).join('; ')}`
  const body = pairs.flatMap(({ name, points }) => points.map(({ x, y }) => [name, digits(x), digits(y)]))
  return {
    title: 'Predicted and true values',
    html: html`${figureOf(inlineSvg(svg, 'agreement', alt), caption, tableOf('Predicted and true values', ['output', 'true', 'predicted'], body))}`,
  }
}
