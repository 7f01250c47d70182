import { auc } from '../../../src/metrics/classification.ts'
import { rocCurve } from '../../../src/metrics/roc.ts'
import { lineChart } from '../../figures/line-chart.ts'
import { digits } from '../../report.ts'
import { inlineSvg } from '../charts.ts'
import { judgedRows, type ReportContext, type Section, truthOf } from '../context.ts'
import { figureOf, html, tableOf } from '../html.ts'

/** As many curves as there are colours, and about as many points of each as can be told apart. */
const MOST = { curves: 6, points: 200 }

/** ROC curves, of the positive class or of each against the rest. */
export async function roc(context: ReportContext): Promise<Section | undefined> {
  const { outputs: classes, values } = context.prediction
  if (context.model.target.task !== 'classification') return undefined
  const judged = judgedRows(context)
  const truth = truthOf(context)
  const curves = (context.positive === undefined ? Array.from(classes.keys()) : [context.positive]).flatMap((k) => {
    const scores = Float64Array.from(judged, (i) => values[i * classes.length + k])
    const positive = judged.map((i) => Number(truth[i] === k))
    const area = auc(scores, positive)
    return Number.isNaN(area) ? [] : [{ name: classes[k], area, points: thinned(rocPoints(scores, positive), MOST.points) }]
  })
  if (curves.length === 0) return undefined
  const shown = curves.slice(0, MOST.curves)
  const chance = {
    name: 'chance',
    curve: [
      { x: 0, y: 0 },
      { x: 1, y: 1 },
    ],
  }
  const lines = [chance, ...shown.map(({ name, points }) => ({ name: name === 'chance' ? 'class chance' : name, curve: points }))]
  const svg = await lineChart({
    x: { title: 'false positive rate' },
    y: { title: 'true positive rate' },
    lineTitle: 'class',
    panels: [{ title: '', lines }],
  })
  const alt = `ROC curves. Area under the curve: ${curves.map(({ name, area }) => `${name} ${area.toFixed(3)}`).join(', ')}.`
  const body = shown.flatMap(({ name, points }) => points.map(({ x, y }) => [name, x.toFixed(4), y.toFixed(4)]))
  return {
    title: 'ROC curve',
    html: html`${tableOf(
      'Area under the curve',
      ['class', 'AUC'],
      curves.map(({ name, area }) => [name, digits(area)]),
    )}
${figureOf(inlineSvg(svg, 'roc', alt), `ROC curve${shown.length > 1 ? 's of each class against the rest' : ` of the class ${shown[0].name}`}`, tableOf('Points of the curves', ['class', 'false positive rate', 'true positive rate'], body))}`,
  }
}

/** Every so manieth of a list that is longer, and its last. */
export function thinned<T>(list: readonly T[], most: number): T[] {
  const every = Math.ceil(list.length / most)
  return list.filter((_, i) => i % every === 0 || i === list.length - 1)
}

/** Both rates at each threshold, from the highest. */
export const rocPoints = (scores: Float64Array, positive: readonly number[]): { x: number; y: number }[] =>
  rocCurve(scores, positive).map(({ sensitivity, specificity }) => ({ x: 1 - specificity, y: sensitivity }))
