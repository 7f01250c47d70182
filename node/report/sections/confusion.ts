import { heatMap } from '../../figures/heat-map.ts'
import { counted } from '../../sentences.ts'
import { inlineSvg } from '../charts.ts'
import { judgedRows, type ReportContext, type Section, truthOf } from '../context.ts'
import { figureOf, html, tableOf } from '../html.ts'

const MOST = 20

/** What is taken for what. */
export async function confusion(context: ReportContext): Promise<Section | undefined> {
  const { outputs: classes, labels } = context.prediction
  const judged = judgedRows(context)
  if (!labels || judged.length === 0) return undefined
  const truth = truthOf(context)
  const counts = classes.map((_, k) => classes.map((_, j) => judged.filter((i) => truth[i] === k && labels[i] === j).length))
  const table = tableOf(
    'Rows by their class and the class predicted',
    ['class', ...classes.map((name) => `predicted ${name}`)],
    counts.map((row, k) => [classes[k], ...row]),
  )
  const right = counts.reduce((sum, row, k) => sum + row[k], 0)
  const said = html`<p>${right} of ${counted(judged.length, 'row')} are right.</p>\n`
  const title = 'Confusion matrix'
  if (classes.length > MOST) return { title, html: html`${said}${table}` }
  const svg = await heatMap({
    valueTitle: 'rows',
    rows: { title: 'class', names: classes },
    columns: { title: 'predicted', names: classes },
    panels: [{ title: '', values: counts }],
    digits: 0,
  })
  const alt = `Confusion matrix. ${counts.map((row, k) => `Of class ${classes[k]}: ${row.map((n, j) => `${n} predicted ${classes[j]}`).join(', ')}`).join('. ')}.`
  return {
    title,
    html: html`${said}${figureOf(inlineSvg(svg, 'confusion', alt, true), 'Rows by their class (down) and the class predicted (across)', table)}`,
  }
}
