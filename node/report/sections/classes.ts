import { auc } from '../../../src/metrics/classification.ts'
import { digits } from '../../report.ts'
import { judgedRows, type ReportContext, type Section, truthOf } from '../context.ts'
import { tableOf } from '../html.ts'

/** Scores of each class against the rest. */
export function classesSection(context: ReportContext): Section | undefined {
  const { outputs: classes, labels, values } = context.prediction
  const judged = judgedRows(context)
  if (!labels || judged.length === 0) return undefined
  const truth = truthOf(context)
  const body = classes.map((name, k) => {
    const count = (is: (i: number) => boolean) => judged.filter(is).length
    const mine = count((i) => truth[i] === k)
    const said = count((i) => labels[i] === k)
    const hits = count((i) => truth[i] === k && labels[i] === k)
    const area = auc(
      Float64Array.from(judged, (i) => values[i * classes.length + k]),
      judged.map((i) => Number(truth[i] === k)),
    )
    const right = count((i) => truth[i] !== k && labels[i] !== k)
    const shares = [hits / said, hits / mine, right / (judged.length - mine), (2 * hits) / (mine + said), area]
    return [name, mine, said, ...shares.map(digits)]
  })
  const head = ['class', 'rows', 'predicted', 'precision', 'recall', 'specificity', 'F1', 'AUC']
  return { title: 'Classes', html: tableOf('Each class against the rest', head, body) }
}
