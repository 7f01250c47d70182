import { lineChart } from '../../figures/line-chart.ts'
import { inlineSvg } from '../charts.ts'
import { judgedRows, type ReportContext, type Section, truthOf } from '../context.ts'
import { figureOf, html, tableOf } from '../html.ts'

/** Whether what is said to be so likely is so frequent: of the positive class, or of whichever class is predicted. */
export async function calibration(context: ReportContext): Promise<Section | undefined> {
  const { outputs: classes, values, labels } = context.prediction
  const judged = judgedRows(context)
  if (!labels || judged.length === 0) return undefined
  const truth = truthOf(context)
  const { positive } = context
  const of = (i: number) => positive ?? labels[i]
  const said = judged.map((i) => values[i * classes.length + of(i)])
  const bins = reliability(
    said,
    judged.map((i) => Number(truth[i] === of(i))),
  )
  const what = positive === undefined ? 'the class predicted' : `the class ${classes[positive]}`
  const svg = await lineChart({
    x: { title: 'mean probability' },
    y: { title: 'observed share' },
    lineTitle: 'calibration',
    panels: [
      {
        title: '',
        lines: [
          {
            name: 'perfect',
            curve: [
              { x: 0, y: 0 },
              { x: 1, y: 1 },
            ],
          },
          { name: 'this model', curve: bins, points: bins },
        ],
      },
    ],
  })
  const alt = `Calibration curve. ${bins.map(({ x, y, rows }) => `Of ${rows} rows said to be ${x.toFixed(2)} likely, ${y.toFixed(2)} are`).join('; ')}.`
  const body = bins.map(({ from, x, y, rows }) => [
    `${from.toFixed(1)} to ${(from + 0.1).toFixed(1)}`,
    rows,
    x.toFixed(3),
    y.toFixed(3),
  ])
  const caption = `Probability of ${what} against how often it was right, in ten bins`
  return {
    title: 'Calibration',
    html: html`<p>On the diagonal probabilities can be taken at their word; below it they are too high. Bins of few rows scatter.</p>
${figureOf(inlineSvg(svg, 'calibration', alt), caption, tableOf(caption, ['probability', 'rows', 'mean probability', 'observed share'], body))}`,
  }
}

/** To be replaced by src/metrics as soon as it has reliability. Ten bins of equal width; those without a row are left out. */
export function reliability(
  said: readonly number[],
  right: readonly number[],
): { from: number; x: number; y: number; rows: number }[] {
  const mean = (list: readonly number[]) => list.reduce((sum, v) => sum + v, 0) / list.length
  return Array.from({ length: 10 }, (_, b) => {
    const mine = Array.from(said.keys()).filter((i) => Math.min(9, Math.floor(10 * said[i])) === b)
    return { from: b / 10, x: mean(mine.map((i) => said[i])), y: mean(mine.map((i) => right[i])), rows: mine.length }
  }).filter(({ rows }) => rows > 0)
}
