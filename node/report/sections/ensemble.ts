import { groupRows, modalitiesOf } from '../../../src/fusion/availability.ts'
import { doubtOf, ownRule, patternWeights } from '../../../src/fusion/model.ts'
import { barChart } from '../../figures/bar-chart.ts'
import { heatMap } from '../../figures/heat-map.ts'
import { judgedOn } from '../../report.ts'
import { counted } from '../../sentences.ts'
import { inlineSvg } from '../charts.ts'
import type { ReportContext, Section } from '../context.ts'
import { figureOf, html, tableOf, warning } from '../html.ts'

const MOST = { patterns: 8, students: 30 }

/** Who speaks for rows with which modalities. */
export async function ensemble({ model, data }: ReportContext): Promise<Section> {
  const { students, preparations, ensembles } = model
  const names = preparations.map(({ modality }) => modality)
  const doubt = doubtOf(model, ownRule(model))
  const weightsOf = patternWeights(model, ownRule(model))
  const { patterns: found, patternOf } = groupRows(modalitiesOf(data, names), Int32Array.from(data.ids.keys()))
  const patterns = [...new Set(['1'.repeat(names.length), ...found])]
    .map((pattern) => ({ pattern, rows: patternOf.filter((p) => found[p] === pattern).length, weights: weightsOf(pattern) }))
    .filter(({ pattern, rows }) => rows > 0 || !pattern.includes('0'))
    .sort((a, b) => b.rows - a.rows)
  const called = (pattern: string) =>
    pattern.includes('0') ? names.filter((_, m) => pattern[m] === '1').join(' + ') || 'nothing' : 'all'
  const spoken = patterns.filter(({ weights }) => weights)
  const shown = spoken.slice(0, MOST.patterns)
  const most = (i: number) => Math.max(...shown.map(({ weights }) => weights?.[i] ?? 0))
  const members = Array.from(students.keys())
    .filter((i) => most(i) > 0)
    .sort((a, b) => most(b) - most(a))
    .slice(0, MOST.students)
  const body = shown.flatMap(({ pattern, weights, rows }, p) =>
    Array.from(students.keys())
      .filter((i) => (weights?.[i] ?? 0) > 0)
      .sort((a, b) => weights![b] - weights![a])
      .map((i) => [
        students[i].name,
        `${p + 1}: ${called(pattern)}`,
        rows,
        weights![i].toFixed(4),
        ensembles.patterns.includes(pattern) ? `${judgedOn(model)} rows` : 'losses of students',
      ]),
  )
  const mute = patterns.filter(({ weights }) => !weights).reduce((sum, { rows }) => sum + rows, 0)
  const caption = shown.length === 1 ? 'Weights of students' : 'Weights of students by the modalities that a row has'
  const table = tableOf(caption, ['student', 'rows that have', 'rows', 'weight', 'chosen by'], body)
  const alt = `${caption}: ${shown
    .map(
      ({ pattern, weights }) =>
        `for ${called(pattern)}, ${members
          .filter((i) => weights![i] > 0)
          .map((i) => `${students[i].name} ${weights![i].toFixed(2)}`)
          .join(', ')}`,
    )
    .join('; ')}.`
  return {
    title: 'Ensemble',
    html: html`<p>Rule ${ownRule(model)}; ${counted(spoken.length, 'combination')} of modalities of the rows can be predicted${spoken.length > shown.length && `; the ${shown.length} most frequent are shown`}.</p>
${doubt && html`<p>A modality that contradicts the others is believed less (chance ${doubt.chance} before looking): then the students that do without it count, whatever is shown here.</p>`}
${mute > 0 && warning(`No student can speak for ${counted(mute, 'row')}: they are not predicted.`)}
${shown.length > 1 && html`<ol>${shown.map(({ pattern, rows }) => html`<li>${called(pattern)}: ${counted(rows, 'row')}</li>`)}</ol>`}
${shown.length > 0 && figureOf(inlineSvg(await drawn(), 'ensemble', alt, shown.length > 1), caption, table)}`,
  }

  function drawn(): Promise<string> {
    if (shown.length === 1) {
      const [{ weights }] = shown
      return barChart({ valueTitle: 'weight', bars: members.map((i) => ({ name: students[i].name, value: weights![i] })) })
    }
    return heatMap({
      valueTitle: 'weight',
      rows: { title: 'student', names: members.map((i) => students[i].name) },
      columns: { title: 'combination of modalities, as numbered above', names: shown.map((_, p) => String(p + 1)) },
      panels: [{ title: '', values: members.map((i) => shown.map(({ weights }) => weights![i] || null)) }],
    })
  }
}
