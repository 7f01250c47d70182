import { modalityImportance } from '../../../src/fusion/shapley.ts'
import { createPredictor } from '../../../web/index.ts'
import { barChart } from '../../figures/bar-chart.ts'
import { digits } from '../../report.ts'
import { inlineSvg } from '../charts.ts'
import type { ReportContext, Section } from '../context.ts'
import { figureOf, html, tableOf } from '../html.ts'

/** What of the loss each modality takes away. */
export async function importance({ model, data, rows }: ReportContext): Promise<Section | undefined> {
  if (model.preparations.length < 2 || rows.length === 0) return undefined
  const found = modalityImportance(createPredictor(model), model, data, rows).sort((a, b) => b.gain - a.gain)
  const loss = model.target.task === 'classification' ? 'log loss' : 'squared error'
  const bars = found.map(({ modality, gain, gainError }) => ({ name: modality, value: gain, se: gainError }))
  const title = `${loss} it takes off`
  const alt = `Bars: ${title}. ${bars.map(({ name, value }) => `${name} ${digits(value)}`).join(', ')}.`
  const chart = inlineSvg(await barChart({ valueTitle: title, bars }), 'importance', alt)
  const body = found.map((m) => [m.modality, ...[m.gain, m.gainError, m.size, m.sizeError].map(digits)])
  const head = ['modality', title, 'standard error', 'mean size of its share', 'standard error']
  return {
    title: 'What matters',
    html: html`<p>Shapley values of modalities over every subset of them, as the cohort predicts from it.</p>
${figureOf(chart, `Importance of modalities, by ${loss}`, tableOf('Importance of modalities', head, body))}`,
  }
}
