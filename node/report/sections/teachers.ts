import { judgedOn } from '../../report.ts'
import { counted } from '../../sentences.ts'
import type { ReportContext, Section } from '../context.ts'
import { html, tableOf } from '../html.ts'

/** Whom the others learned from. */
export function teachers({ model }: ReportContext): Section | undefined {
  const chosen = model.students.filter(({ teacher }) => teacher > 0).sort((a, b) => b.teacher - a.teacher || a.loss - b.loss)
  if (chosen.length === 0) return undefined
  const body = chosen.map(({ name, teacher, loss }) => [name, teacher.toFixed(3), loss.toFixed(4)])
  return {
    title: 'Teachers',
    html: html`<p>${counted(chosen.length, 'student')} of ${model.students.length} taught the others.</p>
${tableOf('Teachers by weight', ['student', 'weight as a teacher', `${judgedOn(model)} loss`], body)}`,
  }
}
