import { join } from 'node:path'
import { defineCommand } from 'citty'
import { ConfigError } from '../../src/core/errors.ts'
import type { Progress } from '../../src/core/types.ts'
import { markdown, meanText, pText, tableOf } from '../../src/experiments/table.ts'
import { MOST_WORKERS } from '../../src/service/train.ts'
import { methodsFigure, studentsFigure } from '../figures/experiment.ts'
import { writeFileSafely } from '../files.ts'
import { DEFAULT_WORKERS, openPool } from '../pool/pool.ts'
import { shareView } from '../progress.ts'
import { table } from '../report.ts'
import { type Store, storeIn } from '../reproduce/store.ts'
import { type Done, notesOf, type Outcome, type Report, type Sizes, TASKS, type Task, taskOf } from '../reproduce/task.ts'
import { counted } from '../sentences.ts'
import { interrupts } from '../signals.ts'
import { seedList, wholeNumber } from '../usage.ts'

export const reproduceCommand = defineCommand({
  meta: { name: 'reproduce', description: "Run one of the paper's experiments over seeds and compare every method" },
  args: {
    experiment: { type: 'positional', required: true, description: TASKS.join(', ') },
    data: { type: 'string', valueHint: 'folder', description: 'Where the files of nacc or a rat lie' },
    seeds: { type: 'string', default: '1-10', valueHint: 'list', description: 'Seeds, such as 1-20 or 1,4,7' },
    rows: { type: 'string', valueHint: 'n', description: "For a quick look: so many rows instead of a simulation's 2000" },
    epochs: { type: 'string', valueHint: 'n', description: "For a quick look: so many epochs instead of the paper's" },
    workers: {
      type: 'string',
      valueHint: 'n',
      description: `Worker threads (${DEFAULT_WORKERS} here); the results are the same`,
    },
    out: { type: 'string', valueHint: 'folder', description: 'Keep each seed, tables and figures there; a stopped run goes on' },
    json: { type: 'boolean', description: 'Print one JSON object instead of the table' },
  },
  async run({ args }) {
    const seeds = seedList('--seeds', args.seeds)
    const workers = args.workers === undefined ? DEFAULT_WORKERS : wholeNumber('--workers', args.workers, MOST_WORKERS, 1)
    const task = await taskOf(args.experiment, sizesOf(args), args.data)
    const store = args.out === undefined ? undefined : storeIn(args.out, task)
    const done = await allSeeds(task, seeds, workers, store)
    const outcomes = done.map(({ result }) => result)
    const report: Report = {
      setting: task.name,
      title: task.title,
      measure: task.measure,
      seeds,
      ...tableOf(
        outcomes.map(({ scores }) => scores),
        task.headline,
        task.better,
      ),
      notes: notesOf(task, outcomes),
      seconds: done.reduce((sum, d) => sum + d.seconds, 0),
    }
    if (store) await keep(store, task, report, outcomes)
    console.log(args.json ? JSON.stringify(report) : [...linesOf(report, task), ...where(store)].join('\n'))
  },
})

function sizesOf({ rows, epochs }: { rows?: string; epochs?: string }): Sizes {
  return {
    ...(rows !== undefined && { rows: wholeNumber('--rows', rows, 1_000_000, 20) }),
    ...(epochs !== undefined && { epochs: wholeNumber('--epochs', epochs, 100_000, 1) }),
  }
}

/** The seeds in their order: those that are stored, and the others run now. */
async function allSeeds(task: Task, seeds: readonly number[], workers: number, store: Store | undefined): Promise<Done[]> {
  const done = new Map<number, Done>()
  for (const seed of seeds) {
    const stored = store?.read(seed)
    if (stored) done.set(seed, stored)
  }
  if (done.size > 0) console.error(`${counted(done.size, 'seed')} of ${seeds.length} were done already`)
  const left = seeds.filter((seed) => !done.has(seed))
  const view = shareView(seeds.length)
  const stop = interrupts(store ? 'the seeds that are done are kept' : 'nothing was kept')
  const { signal } = stop
  const file = new URL('../reproduce/seed-worker.js', import.meta.url)
  const name = (seed: number) => `seed ${seed}`
  const pool = openPool<number, Progress, Done>({ file, size: workers, ground: task, name, signal })
  const running = new Map<number, number>()
  try {
    await pool.run(left, {
      told(place, { done: steps, total }) {
        running.set(place, steps / total)
        view.show(done.size, [...running.values()])
      },
      done(place, seed) {
        running.delete(place)
        store?.write(seed)
        done.set(seed.result.seed, seed)
      },
    })
    await pool.close()
  } finally {
    view.close()
    stop.close()
  }
  return seeds.map((seed) => done.get(seed) as Done)
}

/** Writes tables and figures beside the seeds. */
async function keep({ folder }: Store, task: Task, report: Report, outcomes: readonly Outcome[]): Promise<void> {
  const head = `${headOf(report)}\n\n`
  writeFileSafely(join(folder, 'table.json'), `${JSON.stringify(report, null, 2)}\n`)
  writeFileSafely(join(folder, 'table.md'), head + markdown(report, task.headline, task.decimals))
  try {
    for (const [name, svg] of Object.entries(await figuresOf(task, report, outcomes))) writeFileSafely(join(folder, name), svg)
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    console.error(`no figures: ${error.message}`)
  }
}

async function figuresOf(task: Task, { methods }: Report, outcomes: readonly Outcome[]): Promise<Record<string, string>> {
  const labels = { ...task, title: `${task.name}: ${task.title}` }
  const cohorts = outcomes.flatMap((outcome) => ('variants' in outcome ? [outcome] : []))
  const students = 'data' in task.work ? await studentsFigure(labels, task.work, cohorts) : undefined
  return { 'methods.svg': await methodsFigure(labels, methods), ...(students && { 'students.svg': students }) }
}

const headOf = ({ setting, title, measure, seeds }: Report): string =>
  `${setting}: ${title}; ${measure} over ${counted(seeds.length, 'seed')}`

/** The table for a terminal: `*` marks what lies within one standard error of the best. */
function linesOf(report: Report, { headline, decimals }: Task): string[] {
  const against = new Map(report.paired.map((d) => [d.against, d]))
  const body = report.methods.map((method) => {
    const d = against.get(method.name)
    const difference = d ? `${d.difference.toFixed(decimals)}${d.se === null ? '' : ` ± ${d.se.toFixed(decimals)}`}` : ''
    const mean = `${meanText(method, decimals)}${method.bold ? ' *' : '  '}`
    return [method.name, mean, difference, d?.p == null ? '' : pText(d.p)]
  })
  return [
    `${headOf(report)}, ${report.seconds.toFixed(0)} s of work`,
    '',
    ...table([['method', 'mean (SE)  ', `${headline} minus it`, 'p'], ...body]),
    ...(report.notes.length > 0 ? ['', ...report.notes] : []),
  ]
}

const where = (store: Store | undefined): string[] => (store ? ['', `Seeds, tables and figures lie in ${store.folder}`] : [])
