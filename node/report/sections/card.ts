import { basename } from 'node:path'
import { modelOutputs, ownRule } from '../../../src/fusion/model.ts'
import { ENOUGH_ROWS } from '../../../src/train/problem.ts'
import type { ReportContext, Section } from '../context.ts'
import { html, type Part, tableOf } from '../html.ts'

/** The model card (Mitchell et al. 2019). */
export function card(context: ReportContext): Section {
  const { model, file, intendedUse } = context
  const { provenance, target, students, preparations, precision } = model
  const { split } = provenance
  const list = (lines: readonly string[]): Part => html`<ul>${lines.map((line) => html`<li>${line}</li>`)}</ul>`
  const facts = [
    ['file', basename(file.file)],
    ['SHA-256 of the file', file.sha256],
    ['bytes', file.bytes],
    ['library', `metafusion ${provenance.library}`],
    ['seed of split, weights and order', provenance.seed],
    ['arithmetic', provenance.numerics === 'fast' ? 'relaxed SIMD' : 'exact: the same seed gives the same bytes on every host'],
    ['weights', precision ?? 'float32'],
    ['predicts', `${target.task}: ${modelOutputs(target).join(', ')}`],
    ['from', preparations.map(({ modality }) => modality).join(', ')],
    ['rule', ownRule(model)],
    ['students', students.length],
    ['data', provenance.digest],
    ['subjects', provenance.subjects],
    [
      'split',
      `${split.source}${split.name ? ` (${split.name})` : ''}: ${split.train} training, ${split.validation} validation, ${split.test} test rows`,
    ],
    ['test subjects', split.testIds],
  ]
  const config = Object.entries(provenance.config).map(([name, value]) => [name, JSON.stringify(value)])
  return {
    title: 'Model card',
    html: html`<h3>Intended use</h3>
${intendedUse === undefined ? html`<p>Not stated. Whoever hands this model on should say what it is for (<code>--intended-use</code>).</p>` : html`<p>${intendedUse}</p>`}
<h3>Not intended</h3>
${list(notIntended(context))}
<h3>Limits</h3>
${list(limits(context))}
<h3>What it is</h3>
${tableOf('The model', ['fact', 'value'], facts)}
<details><summary>Configuration</summary>${tableOf('Resolved configuration', ['setting', 'value'], config)}</details>`,
  }
}

const notIntended = ({ model: { target } }: ReportContext): string[] => [
  'Decisions about people without somebody who answers for them.',
  'Subjects or measurements of another kind, site or time than those it was trained on, before it was scored on such.',
  target.task === 'classification'
    ? 'Rows of a class that is not among those listed: one of these is always answered.'
    : 'Values beyond those it was trained on.',
  'Statements on causes: weights of students say what predicts, not what acts.',
]

const limits = ({ model, own }: ReportContext): string[] => [
  `Its scores are of one split with one seed, of ${model.provenance.split.test} test rows${own ? '' : ', and here of another set of rows'}: another split gives others.`,
  `Combinations of modalities that fewer than ${ENOUGH_ROWS} of the rows that students were judged on have are combined by the losses of students, not by an ensemble of their own.`,
  'A category that did not occur in training, or a gap, says nothing to the model.',
  'How groups of subjects fare apart from each other is not told here unless a section says so.',
]
