import { defineCommand } from 'citty'
import { readModel, writeModel } from '../../src/formats/model-file.ts'
import { type OnnxOptions, writeOnnx } from '../../src/formats/onnx.ts'
import type { Rule } from '../../src/fusion/ensemble.ts'
import { type Model, ownRule } from '../../src/fusion/model.ts'
import { checkFolderOf, writeFileSafely } from '../files.ts'
import { expectedOf, readModelFile } from '../model.ts'
import { checkOnnx, loadRuntime } from '../onnx.ts'
import { counted, talk } from '../sentences.ts'
import { readFolder } from '../tables.ts'
import { UsageError } from '../usage.ts'

export const exportCommand = defineCommand({
  meta: { name: 'export', description: 'Write a model as an ONNX graph, or as safetensors' },
  args: {
    model: { type: 'positional', required: true, description: 'Model file' },
    onnx: { type: 'string', valueHint: 'file', description: 'Where the graph goes (.onnx)' },
    rule: { type: 'string', valueHint: 'name', description: "Which of the model's ensembles the graph is (its own)" },
    missing: { type: 'string', valueHint: 'a,b', description: 'Modalities that the rows of the graph lack (none)' },
    check: { type: 'string', valueHint: 'dir', description: 'Predict this folder by graph and model, print how they differ' },
    safetensors: { type: 'string', valueHint: 'file', description: 'Where the model file is written anew (.safetensors)' },
  },
  async run({ args }) {
    if (!args.onnx && !args.safetensors)
      throw new UsageError('"export" writes nothing so: give --onnx FILE or --safetensors FILE')
    const idle = (['rule', 'missing', 'check'] as const).find((option) => args[option] && !args.onnx)
    if (idle) throw new UsageError(`"--${idle}" is about the graph: give --onnx FILE, too`)
    for (const out of [args.onnx, args.safetensors]) if (out) checkFolderOf(out)
    const model = readModelFile(args.model, readModel)
    if (args.onnx) {
      const options: OnnxOptions = {
        rule: (args.rule as Rule | undefined) ?? ownRule(model),
        missing: args.missing?.split(',').map((name) => name.trim()),
      }
      const graph = writeOnnx(model, options)
      const found = args.check === undefined ? [] : [await checked(args.check, graph, model, options)]
      writeFileSafely(args.onnx, graph)
      for (const line of [`${args.onnx}: ${counted(graph.length, 'byte')}, rule ${options.rule}`, ...found]) talk(args.onnx)(line)
    }
    if (args.safetensors) {
      writeFileSafely(args.safetensors, writeModel(model))
      talk(args.safetensors)(`${args.safetensors}: ${counted(model.students.length, 'student')}`)
    }
  },
})

/** What the check found, as a sentence. @throws DataError when graph and model disagree */
async function checked(folder: string, graph: Uint8Array, model: Model, options: OnnxOptions): Promise<string> {
  const runtime = await loadRuntime()
  const { inputs, notes } = await readFolder(folder, { expected: expectedOf(model), target: 'optional' })
  for (const note of notes) console.error(note)
  const { rows, difference } = await checkOnnx(runtime, graph, model, options, inputs)
  const same = model.target.task === 'classification' ? 'same labels, ' : ''
  return `${counted(rows, 'row')} of "${folder}" by onnxruntime-web and by metafusion: ${same}maximum difference ${difference}`
}
