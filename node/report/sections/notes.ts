import type { ReportContext, Section } from '../context.ts'
import { html, type Part } from '../html.ts'

/** What was said while the model was trained, and while the folder was read. */
export function notesSection({ model, notes }: ReportContext): Section {
  const { provenance, precision } = model
  const told = [
    ...provenance.notes,
    ...(provenance.numerics === 'fast' ? ['trained by relaxed SIMD: last digits depend on the kind of processor'] : []),
    ...(precision === 'int8' ? ['weights are int8: predictions differ a little from those of the model it was made of'] : []),
  ]
  const list = (title: string, lines: readonly string[]): Part =>
    lines.length > 0 && html`<h3>${title}</h3><ul>${lines.map((line) => html`<li>${line}</li>`)}</ul>\n`
  return {
    title: 'Notes and warnings',
    html:
      told.length + notes.length === 0
        ? html`<p>There are none.</p>`
        : html`${list('Of the training', told)}${list('Of the folder', notes.map(nameless))}`,
  }
}

/** A report is passed on: the ids that a note lists in brackets stay where they are. */
const nameless = (note: string): string => note.replace(/ \(".*"(?: and \d+ more)?\)/, '')
