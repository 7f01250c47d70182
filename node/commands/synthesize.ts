import { defineCommand } from 'citty'
import { RATS } from '../sources/applications.ts'
import { type Files, writeSynthetic } from '../sources/folder.ts'
import { synthesizeNacc } from '../sources/synthetic-nacc.ts'
import { synthesizeNeural } from '../sources/synthetic-neural.ts'
import { UsageError, wholeNumber } from '../usage.ts'

export const synthesizeCommand = defineCommand({
  meta: { name: 'synthesize', description: "Make files in the form of the paper's restricted data, with random numbers in them" },
  args: {
    what: { type: 'positional', required: true, description: 'nacc (visits and MRI) or neural (potentials and spikes of rats)' },
    out: { type: 'string', required: true, valueHint: 'folder', description: 'Where the files go' },
    seed: { type: 'string', default: '1', valueHint: 'n', description: 'Same seed, same files' },
    subjects: { type: 'string', valueHint: 'n', description: 'nacc: people in the study (1000)' },
    rat: { type: 'string', valueHint: 'name', description: `neural: one of ${Object.keys(RATS).join(', ')} (all)` },
  },
  run({ args }) {
    const seed = wholeNumber('--seed', args.seed, 2 ** 32 - 1)
    for (const files of made(args.what, seed, args)) {
      writeSynthetic(args.out, files)
      for (const name of Object.keys(files)) console.log(`${args.out}/${name}: synthetic`)
    }
  },
})

/** The files, those of one rat at a time. */
function* made(what: string, seed: number, { subjects, rat }: { subjects?: string; rat?: string }): Generator<Files> {
  if (what === 'nacc') {
    if (rat !== undefined) throw new UsageError('"--rat" goes with neural: leave it out')
    const people = wholeNumber('--subjects', subjects ?? '1000', 100_000)
    if (people < 20) throw new UsageError(`--subjects is "${subjects}": give 20 at least, so that every class occurs`)
    yield synthesizeNacc({ seed, subjects: people })
    return
  }
  if (what !== 'neural') throw new UsageError(`"${what}" cannot be synthesized: write nacc or neural`)
  if (subjects !== undefined) throw new UsageError('"--subjects" goes with nacc: leave it out')
  const names = Object.keys(RATS)
  if (rat !== undefined && !names.includes(rat.toLowerCase())) {
    throw new UsageError(`--rat is "${rat}": there are ${names.join(', ')}`)
  }
  for (const name of rat === undefined ? names : [rat]) yield synthesizeNeural({ seed, rat: name })
}
