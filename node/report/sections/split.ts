import type { ReportContext, Section } from '../context.ts'
import { html, percent, tableOf } from '../html.ts'

/** What was learned from, chosen by and kept apart. */
export function splitSection({ model, rows, which, own }: ReportContext): Section {
  const { split, seed } = model.provenance
  const crossed = split.validation === 0
  const parts = [
    ['training', split.train] as const,
    ...(crossed ? [] : [['validation', split.validation] as const]),
    ...(split.calibration ? [['calibration', split.calibration] as const] : []),
    ['test', split.test] as const,
  ]
  const all = parts.reduce((sum, [, n]) => sum + n, 0)
  const { fractions } = split
  const how = fractions
    ? `, ${crossed ? '' : `${percent(fractions.validation)} for validation and `}${percent(fractions.test)} for testing`
    : ''
  const by = crossed ? 'what copies of the students say of training rows that they were trained without' : 'validation rows'
  return {
    title: 'Split',
    html: html`<p>The split was ${split.source}${split.name && ` (${split.name})`}${how}; seed ${seed}. Students learn from training rows; ρ, teachers and
ensembles are chosen by ${by}; nothing is fitted on test rows.</p>
${tableOf(
  'Rows of each part',
  ['part', 'rows', 'share'],
  parts.map(([name, n]) => [name, n, percent(n / all)]),
)}
<p>Scored here: ${rows.length} rows, ${which}${own && ', the same that all methods were scored on when the model was trained'}.
Fingerprint of the test ids: <code>${split.testIds}</code>.</p>`,
  }
}
