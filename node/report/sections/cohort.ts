import { extractorName } from '../../../src/fusion/extractor.ts'
import { heatMap } from '../../figures/heat-map.ts'
import { judgedOn } from '../../report.ts'
import { counted } from '../../sentences.ts'
import { inlineSvg } from '../charts.ts'
import type { ReportContext, Section } from '../context.ts'
import { figureOf, html, tableOf } from '../html.ts'

const MOST = 40

/** Every student by its extractors and its validation loss: one modality goes across, the others down. */
export async function cohort({ model }: ReportContext): Promise<Section> {
  const { students, preparations, target } = model
  const names = preparations.map(({ modality }) => modality)
  const parts = students.map(({ spec }) => spec.extractors.map(extractorName))
  const kinds = names.map((_, m) => [...new Set(parts.map((part) => part[m]))])
  const across = kinds.reduce((most, list, m) => (list.length >= kinds[most].length ? m : most), 0)
  const downOf = (part: readonly string[]) =>
    part.flatMap((e, m) => (m === across || e === 'skip' ? [] : [`${names[m]}:${e}`])).join(' + ') || 'nothing else'
  const down = new Map<string, Map<string, number>>()
  students.forEach(({ loss }, i) => {
    const row = down.get(downOf(parts[i])) ?? new Map<string, number>()
    row.set(parts[i][across], Math.min(loss, row.get(parts[i][across]) ?? Number.POSITIVE_INFINITY))
    down.set(downOf(parts[i]), row)
  })
  const least = (row: ReadonlyMap<string, number>) => Math.min(...row.values())
  const kept = new Set(
    [...down.entries()]
      .sort(([, a], [, b]) => least(a) - least(b))
      .slice(0, MOST)
      .map(([name]) => name),
  )
  const shown = [...down.entries()].filter(([name]) => kept.has(name))
  const columns = kinds[across]
  const svg = await heatMap({
    valueTitle: `${judgedOn(model)} loss`,
    rows: { title: 'with', names: shown.map(([name]) => name) },
    columns: { title: names[across], names: columns.map((e) => (e === 'skip' ? 'without' : e)) },
    panels: [{ title: '', values: shown.map(([, row]) => columns.map((e) => row.get(e) ?? null)) }],
    digits: 3,
  })
  const ranked = [...students].sort((a, b) => a.loss - b.loss)
  const [best] = ranked
  const alt = `Heat map of ${counted(students.length, 'student')} by extractor, coloured by ${judgedOn(model)} loss. The least is ${best.loss.toFixed(4)}, of ${best.name}.`
  const order = ranked.map((s) => students.indexOf(s))
  const body = order.map((i) => [students[i].name, ...parts[i], loss(students[i].loss)])
  const caption = `Validation loss of each student: ${names[across]} goes across, what stands beside it down`
  return {
    title: 'Cohort',
    html: html`<p>${counted(students.length, 'student')}; ${judgedOn(model)} loss is ${target.task === 'classification' ? 'cross-entropy' : 'the mean squared error of standardised outputs'}, less is better.${
      down.size > MOST && ` The chart shows the ${MOST} best rows of ${down.size}.`
    }</p>
${figureOf(inlineSvg(svg, 'cohort', alt, true), caption, tableOf(`Students by ${judgedOn(model)} loss`, ['student', ...names, `${judgedOn(model)} loss`], body))}`,
  }
}

const loss = (value: number): string => (Number.isFinite(value) ? value.toFixed(4) : '–')
