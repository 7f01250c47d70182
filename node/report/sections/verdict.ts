import { digits } from '../../report.ts'
import { counted } from '../../sentences.ts'
import type { Method, ReportContext, Section } from '../context.ts'
import { html, type Part, tableOf, warning } from '../html.ts'
import { headlineScore, isSingle, lead, rivalsOf, scoresOf, scoreTitle, strongest } from '../scores.ts'

/** What the model is worth, and a warning wherever fusion is not better than something simpler. */
export function verdict(context: ReportContext): Section {
  const { methods, which } = context
  const [mine] = methods
  const title = 'Verdict'
  const score = headlineScore(context)
  if (!mine.test || !Number.isFinite(mine.test[score]))
    return { title, html: warning('No row was scored, so nothing is known of what this model is worth.') }
  const { interval } = mine
  return {
    title,
    html: html`<p class="headline"><span class="big">${digits(mine.test[score])}</span> ${scoreTitle(score)} of ${mine.name}${
      interval && ` (${100 * interval.level} % interval ${digits(interval.low)} to ${digits(interval.high)})`
    } on ${counted(mine.test.rows, 'row')}: ${which}.</p>
${warnings(context)}${comparison(context)}`,
  }
}

function warnings(context: ReportContext): Part {
  const { methods, own, model, rows } = context
  const [mine] = methods
  const score = headlineScore(context)
  const rivals = rivalsOf(methods)
  const told = (by: string) => (rival: Method) =>
    `${rival.name} (${digits(rival.test?.[by] ?? Number.NaN)}${rival.beside ? ` against ${digits(rival.beside[by])} on the same ${counted(rival.beside.rows, 'row')}` : ''})`
  const aheadBy = (by: string) =>
    rivals.filter((rival) => lead(by, mine, rival) <= 0).sort((a, b) => lead(by, mine, a) - lead(by, mine, b))
  const ahead = aheadBy(score)
  const others = ahead.filter((rival) => !isSingle(rival))
  const singles = scoresOf(methods).flatMap((by) => {
    const [best] = aheadBy(by).filter(isSingle)
    return best ? [`by ${scoreTitle(by)}, ${told(by)(best)}`] : []
  })
  const elsewhere = scoresOf(methods).filter((by) => by !== score && aheadBy(by).length > 0)
  const predicted = mine.test?.rows ?? 0
  return [
    singles.length > 0 && warning(`Fusion is not better than the best single modality ${singles.join('; ')}.`),
    others.length > 0 && warning(`By ${scoreTitle(score)} fusion is not better than ${others.map(told(score)).join(', ')}.`),
    elsewhere.length > 0 &&
      warning(`By ${elsewhere.map(scoreTitle).join(', ')} some other method is at least as good as fusion: see the table.`),
    rivals.length > 0 &&
      ahead.length === 0 &&
      html`<p>By ${scoreTitle(score)} fusion is better than all of ${counted(rivals.length, 'other method')} scored on the same rows.</p>\n`,
    !own &&
      warning(
        'These are not the rows that the baselines were scored on, so fusion is held against its own other ensembles alone.',
      ),
    own &&
      !model.provenance.scores &&
      warning('The model file does not keep the scores of the baselines: train it again to compare with them.'),
    own &&
      model.provenance.scores &&
      !methods.some(isSingle) &&
      warning('No single modality was trained for comparison: whether fusion is worth it is not known.'),
    predicted < rows.length &&
      warning(`${counted(rows.length - predicted, 'row')} of ${rows.length} could not be predicted or have no target.`),
    predicted > 0 &&
      predicted < 100 &&
      warning(`${counted(predicted, 'row')} are few: differences between methods may be chance.`),
  ]
}

/** By each score: the model, the strongest of the others, and the strongest single modality. */
function comparison({ methods }: ReportContext): Part {
  const [mine] = methods
  const rivals = rivalsOf(methods)
  if (rivals.length === 0) return undefined
  const against = (score: string, rival: Method | undefined) => {
    const by = rival ? lead(score, mine, rival) : Number.NaN
    const is = by > 0 ? 'better' : by < 0 ? 'worse' : by === 0 ? 'equal' : '–'
    return [rival?.name ?? '–', digits(rival?.test?.[score] ?? Number.NaN), is]
  }
  const rows = scoresOf(methods).map((score) => [
    scoreTitle(score),
    digits(mine.test?.[score] ?? Number.NaN),
    ...against(score, strongest(score, mine, rivals)),
    ...against(score, strongest(score, mine, rivals.filter(isSingle))),
  ])
  const head = [
    'score',
    mine.name,
    'strongest other',
    'its score',
    'fusion is',
    'strongest single modality',
    'its score',
    'fusion is',
  ]
  return html`${tableOf('Fusion against the strongest of the others, score by score', head, rows)}
${rivals.some(({ beside }) => beside) && html`<p>A single modality is scored on the rows that have it, and ${mine.name} is held against it on these.</p>`}`
}
