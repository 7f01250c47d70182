import { barChart } from '../../figures/bar-chart.ts'
import { digits } from '../../report.ts'
import { inlineSvg } from '../charts.ts'
import type { ReportContext, Section } from '../context.ts'
import { figureOf, html, tableOf } from '../html.ts'
import { headlineScore, lead, lowerIsBetter, rivalsOf, scoresOf, scoreTitle, strongest } from '../scores.ts'

const SOURCE = { model: 'scored now', record: 'scored when trained', constant: 'looks at no modality' }

/** Meta Fusion and everything it was compared with. */
export async function methodsSection(context: ReportContext): Promise<Section | undefined> {
  const { methods, model, own } = context
  const score = headlineScore(context)
  const known = methods.filter(({ test }) => Number.isFinite(test?.[score]))
  if (known.length === 0) return undefined
  const best = strongest(score, methods[0], rivalsOf(methods))
  const scores = scoresOf(methods)
  const bars = known.map(({ name, test }, i) => ({ name, value: test![score], marked: i === 0 }))
  const svg = await barChart({ valueTitle: `${scoreTitle(score)}, ${lowerIsBetter(score) ? 'less' : 'more'} is better`, bars })
  const alt = `Bars of ${scoreTitle(score)}: ${bars.map(({ name, value }) => `${name} ${digits(value)}`).join(', ')}.`
  const body = methods.map(({ name, test, kind }) => [
    name,
    ...scores.map((key) => digits(test?.[key] ?? Number.NaN)),
    test?.rows ?? 0,
    SOURCE[kind],
  ])
  const table = tableOf('Scores of all methods', ['method', ...scores.map(scoreTitle), 'rows', 'source'], body)
  const record = !own && model.provenance.scores
  return {
    title: 'All methods',
    html: html`<p>Best by ${scoreTitle(score)}: ${best && lead(score, known[0], best) < 0 ? best.name : known[0].name}.${model.precision && ' Scores of the training are of the model before its weights were made int8.'}</p>
${figureOf(inlineSvg(svg, 'methods', alt), `${scoreTitle(score)} of each method; ${known[0].name} is marked`, table)}
${
  record &&
  html`<p>When the model was trained, on other rows than these:</p>${tableOf(
    'Scores when the model was trained',
    ['method', ...scores.map(scoreTitle), 'rows'],
    record.map(({ name, test }) => [name, ...scores.map((key) => digits(test?.[key] ?? Number.NaN)), test?.rows ?? 0]),
  )}`
}`,
  }
}
