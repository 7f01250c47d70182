import { lineChart } from '../../figures/line-chart.ts'
import { judgedOn } from '../../report.ts'
import { inlineSvg } from '../charts.ts'
import type { ReportContext, Section } from '../context.ts'
import { figureOf, html, tableOf } from '../html.ts'

/** How ρ was chosen. */
export async function sharing({ model }: ReportContext): Promise<Section> {
  const { rho, rhoLosses } = model.provenance
  const title = 'Sharing strength ρ'
  const said = html`<p>ρ = ${rho} was chosen${rho === 0 && ': students learn independently, none is taught'}.</p>\n`
  const points = rhoLosses.filter(({ loss }) => Number.isFinite(loss)).map(({ rho: x, loss: y }) => ({ x, y }))
  if (points.length < 2) return { title, html: said }
  points.sort((a, b) => a.x - b.x)
  const losses = points.map(({ y }) => y)
  const lines = [
    { name: 'tried', curve: points, points },
    { name: 'chosen', curve: [Math.min(...losses), Math.max(...losses)].map((y) => ({ x: rho, y })) },
  ]
  const svg = await lineChart({
    x: { title: 'ρ' },
    y: { title: `${judgedOn(model)} loss` },
    lineTitle: 'ρ',
    panels: [{ title: '', lines }],
  })
  const alt = `Curve of the ${judgedOn(model)} loss over ρ: ${points.map(({ x, y }) => `${y.toFixed(4)} at ${x}`).join(', ')}. Chosen: ${rho}.`
  const body = rhoLosses.map(({ rho: x, loss }) => [x, Number.isFinite(loss) ? loss.toFixed(4) : '–', x === rho ? 'yes' : ''])
  return {
    title,
    html: html`${said}${figureOf(inlineSvg(svg, 'sharing', alt), `Loss that each ρ was judged by, ${judgedOn(model)}`, tableOf('ρ tried', ['ρ', `${judgedOn(model)} loss`, 'chosen'], body))}`,
  }
}
