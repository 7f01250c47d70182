import type { Dataset } from '../../../src/data/dataset.ts'
import { conflicting, noisy, swapped, without } from '../../../src/experiments/robustness.ts'
import { evaluate } from '../../../src/fusion/evaluate.ts'
import { randomFrom } from '../../../src/wasm/random.ts'
import { openTrainSession } from '../../../src/wasm/session.ts'
import { createPredictor, kernels } from '../../../web/index.ts'
import { digits } from '../../report.ts'
import type { ReportContext, Section } from '../context.ts'
import { html, tableOf } from '../html.ts'

/** Times that noise and swaps are drawn. */
const DRAWS = 5

/** The headline score where a modality is missing, noisy, of somebody else, or in conflict with the others. */
export function robustness({ model, data, rows }: ReportContext): Section | undefined {
  if (rows.length === 0) return undefined
  const [key, title] = model.target.task === 'classification' ? ['accuracy', 'accuracy'] : ['mse', 'MSE']
  const predictor = createPredictor(model)
  const random = randomFrom(openTrainSession(kernels('train')), 0).fork('robustness')
  const scored = (spoilt: Dataset) =>
    evaluate(predictor.predict(spoilt, rows), data.target, rows) as unknown as Record<string, number> | undefined
  const score = (spoilt: Dataset): number => scored(spoilt)?.[key] ?? Number.NaN
  const mean = (of: (draw: number) => number) =>
    Array.from({ length: DRAWS }, (_, draw) => of(draw)).reduce((sum, v) => sum + v, 0) / DRAWS
  const body = data.modalities.map(({ name }, m) => [
    name,
    digits(score(without(data, m))),
    scored(without(data, m))?.rows ?? 0,
    digits(mean((draw) => score(noisy(data, m, 1, random.fork(`noise ${name} ${draw}`))))),
    digits(mean((draw) => score(swapped(data, m, rows, random.fork(`swap ${name} ${draw}`))))),
  ])
  const conflict =
    data.target.task === 'classification' && data.modalities.length > 1
      ? html`<p>With conflicting views (a tenth of the rows noisy, two fifths with one view of another class): ${title} ${digits(mean((draw) => score(conflicting(data, rows, random.fork(`conflict ${draw}`)))))}.</p>`
      : undefined
  return {
    title: 'Robustness',
    html: html`<p>${title} as they are: ${digits(score(data))}.</p>
${tableOf(`${title} with a modality spoilt in every row`, ['modality', 'missing', 'rows that can then be predicted', 'with noise of 1 sd', 'of other subjects'], body)}${conflict}`,
  }
}
