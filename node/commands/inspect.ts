import { defineCommand } from 'citty'
import { preparedWidth } from '../../src/data/prepare.ts'
import { readModel } from '../../src/formats/model-file.ts'
import { builtRules } from '../../src/fusion/ensemble.ts'
import { readBytes } from '../files.ts'
import { readModelFile } from '../model.ts'
import { decidedLines, fileRecord, fullSelection, fullWeights, judgedOn, modelJson, plain, table } from '../report.ts'

export const inspectCommand = defineCommand({
  meta: { name: 'inspect', description: 'Show what is inside a model file' },
  args: {
    model: { type: 'positional', required: true, description: 'Model file' },
    json: { type: 'boolean', description: 'Print one JSON object' },
  },
  run({ args }) {
    const model = readModelFile(args.model, readModel)
    const file = fileRecord(args.model, readBytes(args.model))
    if (args.json) return console.log(JSON.stringify(modelJson(model, file)))
    const { provenance, target, students } = model
    const { split } = provenance
    const weights = fullWeights(model)
    const selection = fullSelection(model)
    const { metric = 'loss' } = (provenance.config.greedy ?? {}) as { metric?: string }
    const step = ({ added, score }: { added: string[]; score: number }) => `${added.join(', ')} ${score.toFixed(4)}`
    const outcome =
      target.task === 'classification' ? `classes ${target.classes.join(', ')}` : `outputs ${target.outputs.join(', ')}`
    const ranked = students.map((s, i) => ({ ...s, weight: weights[i] })).sort((a, b) => b.weight - a.weight || a.loss - b.loss)
    const lines = [
      `${args.model}: ${file.bytes} bytes, sha256 ${file.sha256}`,
      ...(provenance.title ? [provenance.title] : []),
      `${target.task}, ${outcome}`,
      `trained by metafusion ${provenance.library}, seed ${provenance.seed}, data ${provenance.digest}${provenance.numerics ? ', fast numerics' : ''}${model.precision ? ', int8 weights' : ''}`,
      `rows: ${split.train} train, ${split.validation} validation, ${split.test} test; split ${split.source}`,
      ...decidedLines(model),
      ...provenance.notes,
      '',
      ...table([
        ['modality', 'features', 'prepared'],
        ...model.preparations.map((p) => [p.modality, String(p.columns.length), String(preparedWidth(p))]),
      ]),
      '',
      `sharing ρ = ${provenance.rho}; chosen by the ${judgedOn(model)} loss: ${provenance.rhoLosses.map(({ rho, loss }) => `${loss.toFixed(4)} at ${rho}`).join(', ')}`,
      '',
      ...table([
        ['student', `${judgedOn(model)} loss`, 'teacher', 'weight'],
        ...ranked.map((s) => [s.name, s.loss.toFixed(4), s.teacher > 0 ? 'yes' : '', s.weight > 0 ? s.weight.toFixed(3) : '']),
      ]),
      '',
      `ensembles: ${builtRules(model.ensembles).join(', ')}`,
      ...(selection ? [`greedy selection, validation ${metric}: ${selection.map(step).join('; then ')}`] : []),
    ]
    for (const line of lines) console.log(plain(line))
  },
})
