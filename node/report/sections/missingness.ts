import { presence } from '../../../src/data/presence.ts'
import { barChart } from '../../figures/bar-chart.ts'
import { counted } from '../../sentences.ts'
import { inlineSvg } from '../charts.ts'
import type { ReportContext, Section } from '../context.ts'
import { figureOf, html, percent, tableOf } from '../html.ts'

const MOST = { bars: 12, rows: 100 }

/** Which modalities rows lack together. */
export async function missingness({ model, data }: ReportContext): Promise<Section> {
  const names = model.preparations.map(({ modality }) => modality)
  const { patterns, none } = presence(data)
  const title = 'Missing modalities'
  if (patterns.length === 1 && patterns[0].modalities.length === names.length && none.length === 0)
    return { title, html: html`<p>Every row has every modality.</p>` }
  const all = [...patterns, ...(none.length > 0 ? [{ modalities: [] as string[], rows: none.length }] : [])]
  const called = (has: readonly string[]) => (has.length === names.length ? 'all' : has.join(' + ') || 'none')
  const bars = all.slice(0, MOST.bars).map(({ modalities, rows }) => ({ name: called(modalities), value: rows }))
  const alt = `Bars: rows by the modalities they have. ${bars.map(({ name, value }) => `${name} ${value}`).join(', ')}.`
  const chart = inlineSvg(await barChart({ valueTitle: 'rows', bars, digits: 0 }), 'missingness', alt)
  const body = all
    .slice(0, MOST.rows)
    .map(({ modalities, rows }) => [
      called(modalities),
      ...names.map((name) => (modalities.includes(name) ? 'yes' : 'no')),
      rows,
      percent(rows / data.ids.length),
    ])
  const rest =
    all.length > MOST.bars &&
    html`<p>The chart shows the ${MOST.bars} most frequent of ${counted(all.length, 'combination')}, the table at most ${MOST.rows}.</p>`
  return {
    title,
    html: html`${rest}${figureOf(chart, 'Rows by the modalities they have', tableOf('Rows by the modalities they have', ['combination', ...names, 'rows', 'share'], body))}`,
  }
}
