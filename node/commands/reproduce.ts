import { join } from 'node:path'
import { defineCommand } from 'citty'
import { EXPERIMENTS, type Experiment } from '../../src/experiments/settings.ts'
import { markdown, meanText, pText, type Table, tableOf } from '../../src/experiments/table.ts'
import { writeFileSafely } from '../files.ts'
import { shareView } from '../progress.ts'
import { table } from '../report.ts'
import { DEFAULT_WORKERS, type Done, runJobs } from '../reproduce/pool.ts'
import { type Store, storeIn } from '../reproduce/store.ts'
import { counted } from '../sentences.ts'
import { interrupts } from '../signals.ts'
import { seedList, UsageError, wholeNumber } from '../usage.ts'

export const reproduceCommand = defineCommand({
  meta: { name: 'reproduce', description: "Run one of the paper's simulations over seeds and compare every method" },
  args: {
    experiment: { type: 'positional', required: true, description: [...EXPERIMENTS.keys()].join(', ') },
    seeds: { type: 'string', default: '1-10', valueHint: 'list', description: 'Seeds, such as 1-20 or 1,4,7' },
    workers: {
      type: 'string',
      valueHint: 'n',
      description: `Worker threads (${DEFAULT_WORKERS} here); the results are the same`,
    },
    out: { type: 'string', valueHint: 'folder', description: 'Keep each seed, tables and figures there; a stopped run goes on' },
    json: { type: 'boolean', description: 'Print one JSON object instead of the table' },
  },
  async run({ args }) {
    const experiment = EXPERIMENTS.get(args.experiment)
    if (!experiment)
      throw new UsageError(`there is no experiment "${args.experiment}": there are ${[...EXPERIMENTS.keys()].join(', ')}`)
    const seeds = seedList('--seeds', args.seeds)
    const workers = args.workers === undefined ? DEFAULT_WORKERS : Math.max(1, wholeNumber('--workers', args.workers, 256))
    const { name } = experiment
    const store = args.out === undefined ? undefined : storeIn(args.out, experiment)
    const done = await allSeeds(experiment, seeds, workers, store)
    const headline = experiment.headline ?? 'meta-fusion'
    const result = tableOf(
      done.map((d) => d.result.scores),
      headline,
      'lower',
    )
    const seconds = done.reduce((sum, d) => sum + d.seconds, 0)
    const json = { setting: name, seeds, ...result, seconds }
    if (store) {
      writeFileSafely(join(store.folder, 'table.json'), `${JSON.stringify(json, null, 2)}\n`)
      writeFileSafely(join(store.folder, 'table.md'), markdown(result, headline, 2))
    }
    if (args.json) return console.log(JSON.stringify(json))
    console.log(`${name}: ${experiment.title}; test MSE over ${counted(seeds.length, 'seed')}, ${seconds.toFixed(0)} s of work\n`)
    for (const line of linesOf(result, headline)) console.log(line)
    if (store) console.log(`\nSeeds and tables lie in ${store.folder}`)
  },
})

/** The seeds in their order: those that are stored, and the others run now. */
async function allSeeds(
  experiment: Experiment,
  seeds: readonly number[],
  workers: number,
  store: Store | undefined,
): Promise<Done[]> {
  const done = new Map<number, Done>()
  for (const seed of seeds) {
    const stored = store?.read(seed)
    if (stored) done.set(seed, stored)
  }
  if (done.size > 0) console.error(`${counted(done.size, 'seed')} of ${seeds.length} were done already`)
  const jobs = seeds.filter((seed) => !done.has(seed)).map((seed) => ({ experiment: experiment.name, seed }))
  const view = shareView(seeds.length)
  const stop = interrupts()
  try {
    const finish = (d: Done) => {
      store?.write(d)
      done.set(d.result.seed, d)
    }
    const show = (running: ReadonlyMap<number, number>) => view.show(done.size, [...running.values()])
    await runJobs(jobs, workers, finish, show, stop.signal)
  } finally {
    view.close()
    stop.close()
  }
  return seeds.map((seed) => done.get(seed) as Done)
}

/** The table for a terminal: `*` marks what lies within one standard error of the best. */
function linesOf({ methods, paired }: Table, headline: string): string[] {
  const against = new Map(paired.map((d) => [d.against, d]))
  const body = methods.map((method) => {
    const d = against.get(method.name)
    const difference = d ? `${d.difference.toFixed(2)}${d.se === null ? '' : ` ± ${d.se.toFixed(2)}`}` : ''
    return [method.name, `${meanText(method, 2)}${method.bold ? ' *' : '  '}`, difference, d?.p == null ? '' : pText(d.p)]
  })
  return table([['method', 'mean (SE)  ', `${headline} minus it`, 'p'], ...body])
}
