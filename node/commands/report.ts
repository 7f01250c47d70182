import { defineCommand } from 'citty'
import { readModel } from '../../src/formats/model-file.ts'
import { checkFolderOf, readBytes, writeFileSafely } from '../files.ts'
import { readModelFile } from '../model.ts'
import { contextOf } from '../report/context.ts'
import { reportPage } from '../report/page.ts'
import { fileRecord } from '../report.ts'
import { readScored } from '../scored-rows.ts'
import { counted, talk } from '../sentences.ts'

export const reportCommand = defineCommand({
  meta: {
    name: 'report',
    description: 'Write what a model is, was trained on and is worth as one HTML file that needs nothing else',
  },
  args: {
    model: { type: 'positional', required: true, description: 'Model file' },
    dir: { type: 'positional', required: true, description: 'Folder with the files and labels, scored as by evaluate' },
    out: { type: 'string', required: true, valueHint: 'file', description: 'Where the report goes (.html)' },
    split: { type: 'string', valueHint: 'file:column', description: 'Column of a CSV in the folder that says train or test' },
    positive: {
      type: 'string',
      valueHint: 'class',
      description: 'The class that curves are of (the second of two; of more, each)',
    },
    'intended-use': { type: 'string', valueHint: 'text', description: 'What the model is for, for its model card' },
  },
  async run({ args }) {
    checkFolderOf(args.out)
    const model = readModelFile(args.model, readModel)
    const file = fileRecord(args.model, readBytes(args.model))
    const scored = await readScored(model, args.dir, args.split)
    const page = await reportPage(contextOf(model, file, scored, { intendedUse: args['intended-use'], positive: args.positive }))
    writeFileSafely(args.out, page)
    talk(args.out)(`${args.out}: ${counted(scored.rows.length, 'row')} scored, ${counted(Buffer.byteLength(page), 'byte')}`)
  },
})
