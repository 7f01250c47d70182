import { join } from 'node:path'
import { defineCommand } from 'citty'
import { confirms, sharingHelps, type Theory, theory } from '../../src/experiments/theory.ts'
import { openTrainSession } from '../../src/wasm/session.ts'
import { kernels } from '../../web/index.ts'
import { distinct, theoryFigures, VIEW_NAMES } from '../figures/theory.ts'
import { makeFolder, writeFileSafely } from '../files.ts'
import { table } from '../report.ts'
import { wholeNumber } from '../usage.ts'

export const theoryCommand = defineCommand({
  meta: { name: 'theory', description: 'Check numerically when sharing lowers the error of a student' },
  args: {
    out: { type: 'string', valueHint: 'folder', description: 'Where figures go (needs the packages vega and vega-lite)' },
    seed: { type: 'string', default: '1', valueHint: 'n', description: 'Seed of every draw' },
    json: { type: 'boolean', description: 'Print the whole result as one JSON object' },
  },
  async run({ args }) {
    const seed = wholeNumber('--seed', args.seed, 2 ** 32 - 1)
    if (args.out !== undefined) makeFolder(args.out)
    const result = theory(openTrainSession(kernels('train')), seed)
    console.log(args.json ? JSON.stringify(result, null, 2) : theoryLines(result).join('\n'))
    if (args.out === undefined) return
    for (const [name, svg] of Object.entries(await theoryFigures(result))) {
      const file = join(args.out, name)
      writeFileSafely(file, svg)
      if (!args.json) console.log(`${file} written`)
    }
  },
})

const signed = (value: number, digits = 2): string => `${value < 0 ? '-' : '+'}${Math.abs(value).toFixed(digits)}`

function theoryLines({ draws, seed, drawn, fitted, boundaries, trained, ambiguity }: Theory): string[] {
  const verdicts = [...drawn, ...fitted].map(({ slope, expected }) => confirms(slope, sharingHelps(expected)))
  const decided = verdicts.filter((verdict) => verdict !== undefined)
  const correlations = distinct(drawn.map(({ setting }) => setting.correlation))
  const head = correlations.map((c) => `corr. ${c}`)
  const apart = Math.max(...trained.map((t) => t.apart))
  return [
    `Slope of a student's error at ρ = 0, measured over ${draws} draws a cell, seed ${seed}: sharing helps where it is negative.`,
    '',
    ...table([
      ["drawn: teacher's error", ...head],
      ...distinct(drawn.map(({ setting }) => setting.teacherError)).map((error) => [
        String(error),
        ...drawn.filter(({ setting }) => setting.teacherError === error).map(({ slope }) => signed(slope.measured)),
      ]),
    ]),
    '',
    ...table([
      ['least squares: teacher', ...head],
      ...distinct(fitted.map(({ setting }) => setting.noise)).flatMap((noise) =>
        Object.entries(VIEW_NAMES).map(([view, name]) => [
          `${name}, noise ${noise}`,
          ...fitted
            .filter(({ setting }) => setting.view === view && setting.noise === noise)
            .map(({ slope }) => signed(slope.measured)),
        ]),
      ),
    ]),
    '',
    `The claim E⟨eᵢ, e_T⟩ < E|eᵢ|² tells the sign in ${decided.filter(Boolean).length} of the ${decided.length} cells outside the noise (${verdicts.length} in all).`,
    ...boundaries.map(
      ({ view, noise, expected, measured, se }) =>
        `Beyond a correlation of ${expected.toFixed(3)} a teacher with ${VIEW_NAMES[view]} and noise ${noise} harms; measured ${measured.toFixed(3)} ± ${se.toFixed(3)}.`,
    ),
    `Students trained by gradient descent are within ${apart.toExponential(0)} of the closed form.`,
    `Average of three students: error ${ambiguity.average.toFixed(4)} = mean error ${ambiguity.mean.toFixed(4)} - spread ${ambiguity.spread.toFixed(4)}.`,
  ]
}
