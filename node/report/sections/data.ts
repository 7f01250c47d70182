import { preparedWidth } from '../../../src/data/prepare.ts'
import { modelOutputs } from '../../../src/fusion/model.ts'
import { digits } from '../../report.ts'
import { counted } from '../../sentences.ts'
import type { ReportContext, Section } from '../context.ts'
import { html, percent, tableOf } from '../html.ts'

/** What the folder holds, in the model's terms. */
export function dataSection({ model, data, rows }: ReportContext): Section {
  const { provenance, preparations, target } = model
  const n = data.ids.length
  const modalities = preparations.map((preparation) => {
    const { columns } = preparation
    const present = data.modalities.find(({ name }) => name === preparation.modality)?.present.reduce((sum, v) => sum + v, 0) ?? 0
    const categories = columns.filter(({ kind }) => kind === 'category').length
    return [
      preparation.modality,
      columns.length - categories,
      categories,
      preparedWidth(preparation),
      present,
      percent(present / n),
    ]
  })
  const outcome = target.task === 'classification' ? classTable() : outputTable()
  return {
    title: 'Data',
    html: html`<p>${provenance.title && `${provenance.title}: `}${counted(n, 'row')}, ${counted(preparations.length, 'modality', 'modalities')}, ${target.task} of ${modelOutputs(target).join(', ')}.
Fingerprint of the data the model was trained on: <code>${provenance.digest}</code>.</p>
${tableOf('Modalities of the model', ['modality', 'numbers', 'categories', 'prepared', 'rows that have it', 'share'], modalities)}
${outcome}`,
  }

  function classTable() {
    if (data.target.task !== 'classification') return undefined
    const { labels, classes } = data.target
    const scored = rows.map((row) => labels[row])
    const count = (of: Int32Array, k: number) => of.filter((label) => label === k).length
    const body = classes.map((name, k) => [name, count(labels, k), percent(count(labels, k) / n), count(scored, k)])
    return tableOf('Classes', ['class', 'rows', 'share', 'of them scored'], body)
  }

  function outputTable() {
    if (data.target.task !== 'regression') return undefined
    const { values, outputs } = data.target
    const body = outputs.map((name, d) => {
      const mine = Array.from(values.filter((_, i) => i % outputs.length === d)).filter((v) => !Number.isNaN(v))
      const mean = mine.reduce((sum, v) => sum + v, 0) / mine.length
      const [least, most] = mine.reduce(([a, b], v) => [Math.min(a, v), Math.max(b, v)], [Infinity, -Infinity])
      const sd = Math.sqrt(mine.reduce((sum, v) => sum + (v - mean) ** 2, 0) / (mine.length - 1))
      return [name, ...[mean, sd, least, most].map(digits)]
    })
    return tableOf('Outputs', ['output', 'mean', 'standard deviation', 'least', 'most'], body)
  }
}
