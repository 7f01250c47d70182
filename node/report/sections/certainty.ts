import { createAssessor } from '../../../web/index.ts'
import { digits } from '../../report.ts'
import type { ReportContext, Section } from '../context.ts'
import { html, percent, tableOf } from '../html.ts'

const LEVELS = [0.8, 0.9, 0.95]

/** How often sets and intervals held the truth, and how large they had to be. */
export function certainty({ model, data, rows }: ReportContext): Section | undefined {
  if (!model.calibration || rows.length === 0) return undefined
  const assessor = createAssessor(model)
  const { target } = data
  const body = LEVELS.map((level) => {
    const { sets, low, high, outputs, abstained, outOfDistribution } = assessor.assess(data, level, rows)
    const D = outputs.length
    const known = Array.from(rows.keys()).filter((i) => abstained[i] !== 'nothing')
    const held = known.filter((i) => {
      if (target.task === 'classification') return sets?.[i * D + target.labels[rows[i]]] === 1
      const value = target.values[rows[i] * D]
      return (low?.[i * D] ?? value) <= value && value <= (high?.[i * D] ?? value)
    })
    const size = (i: number) =>
      sets ? sets.subarray(i * D, (i + 1) * D).reduce((sum, v) => sum + v, 0) : (high?.[i * D] ?? 0) - (low?.[i * D] ?? 0)
    const mean = known.reduce((sum, i) => sum + size(i), 0) / known.length
    const unlike = outOfDistribution.reduce((sum, v) => sum + v, 0)
    return [percent(level), percent(held.length / known.length), digits(mean), abstained.filter(Boolean).length, unlike]
  })
  const what = target.task === 'classification' ? 'classes in a set' : 'width of an interval'
  const holds =
    model.calibration.source === 'held'
      ? 'Calibrated on rows of its own: the levels hold for subjects like those, of each class and whatever modalities are there.'
      : 'Calibrated on training rows as copies judged them that had not seen them: the levels hold approximately.'
  return {
    title: 'How sure',
    html: html`<p>${holds}</p>
${tableOf('Sets and intervals by level', ['level', 'held the truth', `mean ${what}`, 'not to be relied on', 'unlike the training rows'], body)}`,
  }
}
