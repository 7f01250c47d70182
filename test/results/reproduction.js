// Puts what `metafusion reproduce … --out FOLDER` wrote beside the authors' numbers, into the tables of docs/REPRODUCTION.md.
//
//   npm run reproduction -- FOLDER [--record docs/reproduction.json] [--out docs/REPRODUCTION.md]
//   npm run reproduction [-- FILE.json]
//
// The record is every score of every seed in one file; without a folder the tables are made of it (docs/reproduction.json unless
// another is named), so that they can be made again without the runs. Only what stands between the markers is replaced.

import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { writeFileSafely } from '../../dist/node/files.js'
import { EXPERIMENTS } from '../../dist/src/experiments/settings.js'
import { synthetic } from '../../dist/src/experiments/synthetic.js'
import { meanText, pText } from '../../dist/src/experiments/table.js'
import { paired, summarize } from '../../dist/src/metrics/summary.js'
import { chooseSplits } from '../../dist/src/recipe/choose-splits.js'
import { openTrainSession } from '../../dist/src/wasm/session.js'
import { kernels } from '../../dist/web/index.js'

const { positionals, values: options } = parseArgs({
  allowPositionals: true,
  options: { record: { type: 'string' }, out: { type: 'string', default: 'docs/REPRODUCTION.md' } },
})
const AUTHORS = JSON.parse(readFileSync(new URL('../golden/reference_results.json', import.meta.url), 'utf8'))
const DECIMALS = 2
const ENSEMBLES = ['meta-fusion', 'best-single', 'simple-average', 'weighted-average', 'stacking', 'cohort-mean', 'cohort-best']

/** What stands between the markers of a table; a document without them stays as it is. */
function replaced(text, name, lines) {
  const [first, last] = [`<!-- table ${name} -->`, `<!-- end ${name} -->`]
  const [from, to] = [text.indexOf(first), text.indexOf(last)]
  if (from < 0 || to < from) return text
  return `${text.slice(0, from + first.length)}\n\n${lines.join('\n')}\n\n${text.slice(to)}`
}

/** Every score of every seed, by experiment: values by method, choices by variant, in the order of the seeds. */
function recordOf(folder) {
  const experiments = {}
  for (const name of EXPERIMENTS.keys()) {
    const runs = runsIn(join(folder, name))
    if (runs.length === 0) continue
    const results = runs.map(({ result }) => result)
    const methods = [...new Set(results.flatMap(({ scores }) => Object.keys(scores)))]
    const choices = (variant, value) => results.map(({ variants }) => value(variants.find((v) => v.name === variant)))
    experiments[name] = {
      students: results[0].students.length,
      seeds: results.map(({ seed }) => seed),
      variance: results.map(({ seed }) => sixDigits(outcomeVariance(EXPERIMENTS.get(name), seed))),
      variants: Object.fromEntries(
        results[0].variants.map((variant) => [
          variant.name,
          {
            rho: choices(variant.name, (v) => v.rho),
            k: choices(variant.name, (v) => v.k),
            teachers: choices(variant.name, (v) => v.teachers.length),
          },
        ]),
      ),
      scores: Object.fromEntries(methods.map((method) => [method, results.map(({ scores }) => sixDigits(scores[method]))])),
    }
  }
  return experiments
}

/** The seeds in a folder. @throws when not all were written for one and the same experiment */
function runsIn(folder) {
  if (!existsSync(folder)) return []
  const files = readdirSync(folder).filter((file) => /^seed-\d+\.json$/.test(file))
  const runs = files.map((file) => JSON.parse(readFileSync(join(folder, file), 'utf8')))
  if (new Set(runs.map(({ key }) => key)).size > 1) {
    throw new Error(`the seeds in ${folder} are of different versions of the experiment: run them again into another folder`)
  }
  return runs.sort((a, b) => a.result.seed - b.result.seed)
}

/** Of the test rows. The features have streams of their own, so the outcome is the same beside one of each modality. */
function outcomeVariance({ data, config }, seed) {
  const module = kernels('train')
  const bare = { ...data, modalities: data.modalities.map((modality) => ({ ...modality, features: 1 })) }
  const drawn = synthetic(openTrainSession(module), bare, seed)
  const rows = chooseSplits(module, drawn, { ...config, seed }).splits.test
  const { mean } = summarize(Array.from(rows, (r) => drawn.target.values[r]))
  return summarize(Array.from(rows, (r) => (drawn.target.values[r] - mean) ** 2)).mean
}

/** null where it is not known. */
const sixDigits = (value) => (Number.isFinite(value) ? Number(value.toPrecision(6)) : null)

/** One line a method, so that changes can be read. */
function recordText(experiments) {
  const line = (indent, key, value) => `${' '.repeat(indent)}${JSON.stringify(key)}: ${JSON.stringify(value)}`
  const parts = Object.entries(experiments).map(([name, { scores, ...rest }]) => {
    const heads = Object.entries(rest).map(([key, value]) => line(2, key, value))
    const methods = Object.entries(scores).map(([method, values]) => line(3, method, values))
    return ` ${JSON.stringify(name)}: {\n${heads.join(',\n')},\n  "scores": {\n${methods.join(',\n')}\n  }\n }`
  })
  return `{\n${parts.join(',\n')}\n}\n`
}

function block(name) {
  const run = record[name]
  if (!run) return ['No seed has been run yet.']
  const { seeds, students } = run
  const head = `${seeds.length} seed${seeds.length === 1 ? '' : 's'} (${ranges(seeds)}), ${students} students.`
  const body = name.endsWith('-sharing')
    ? sharing(name, run)
    : name.startsWith('negative')
      ? negative(name, run)
      : standard(name, run)
  return [head, '', ...body, ...choices(name, run)]
}

/** `1-5, 7` */
function ranges(seeds) {
  const runs = []
  for (const seed of seeds) {
    if (seed === runs.at(-1)?.at(-1) + 1) runs.at(-1).push(seed)
    else runs.push([seed])
  }
  return runs.map((run) => (run.length > 1 ? `${run[0]}-${run.at(-1)}` : `${run[0]}`)).join(', ')
}

/** One of the paper's six settings, or the one with more modalities, which the authors have no numbers of. */
function standard(name, run) {
  const { scores } = run
  const own = Object.keys(scores)
  const baselines = own.filter((method) => !ENSEMBLES.includes(method) && !/^(independent\/|oracle)/.test(method))
  const cohort = ENSEMBLES.filter((method) => method !== 'cohort-best' && own.includes(method))
  const pairs = [
    ...baselines.map((method) => ['meta-fusion', method]),
    ...cohort.map((method) => [method, `independent/${method}`]),
  ]
  return [...beside(name, run, own), '', ...differences(name, scores, pairs), '']
}

function negative(name, run) {
  const { scores } = run
  const { fixed } = EXPERIMENTS.get(name)
  const [taught, worst] = [`adaptive@${fixed}`, `adversarial@${fixed}`]
  const judged = ['cohort-mean', 'best-single', 'cohort-best']
  const methods = judged.flatMap((method) => [taught, 'independent', worst].map((cohort) => `${cohort}/${method}`))
  const pairs = judged.flatMap((method) =>
    [
      [taught, 'independent'],
      [worst, 'independent'],
      [worst, taught],
    ].map((pair) => pair.map((cohort) => `${cohort}/${method}`)),
  )
  return [...beside(name, run, methods), '', ...differences(name, scores, pairs), '']
}

/** Each way of teaching at the ρ it chooses and at the fixed one, against the cold start at the same and the independent cohort. */
function sharing(name, { scores }) {
  const { variants, fixed } = EXPERIMENTS.get(name)
  const [main] = variants
  const chosen = variants.filter(({ rho }) => rho.length > 1)
  const rows = [
    ...['', 'by-ensemble/'].flatMap((by) =>
      chosen.map((v) => ({
        text: v.name,
        at: by ? 'by its greedy ensemble' : 'by its teachers',
        prefix: `${v === main ? '' : `${v.name}/`}${by}`,
        cold: `cold/${by}`,
      })),
    ),
    ...variants.map((v) => ({ text: v.name, at: `${fixed}`, prefix: `${v.name}@${fixed}/`, cold: `cold@${fixed}/` })),
  ]
  return ['meta-fusion', 'weighted-average', 'best-single', 'cohort-mean'].flatMap((method) => [
    `| ${method} | ρ | mean (SE), n | minus cold | p | minus independent | p |`,
    '| --- | --- | --- | --- | --- | --- | --- |',
    row(['independent', '0', summaryText(scores[`independent/${method}`]), '', '', '', '']),
    ...rows.map(({ text, at, prefix, cold }) => {
      const mine = scores[`${prefix}${method}`]
      const against = (other) => (other === `${prefix}${method}` ? ['', ''] : comparison(mine, scores[other]))
      return row([text, at, summaryText(mine), ...against(`${cold}${method}`), ...against(`independent/${method}`)])
    }),
    '',
  ])
}

/** Our means and the authors', as they are and as shares of the variance of each seed's outcome. */
function beside(name, { scores, variance }, methods) {
  const theirs = AUTHORS[name]
  const share = (values, of) => summaryOf(values?.map((value, i) => (Number.isFinite(value) ? value / of[i] : Number.NaN)))
  const rows = methods.map((method) => {
    const [ours, part] = [summaryOf(scores[method]), share(scores[method], variance)]
    const them = theirs?.methods[theirName(method)]
    if (!them) return row([method, text(ours), '–', text(part, 4), '–', '', ''])
    const off = joint(part, share(them.values, theirs.variance))
    const cells = [method, text(ours), text(them), text(part, 4), text(share(them.values, theirs.variance), 4)]
    return row([...cells, ...(off === null ? ['', ''] : [signed(off, 1), verdict(off)])])
  })
  const spread = row([
    'variance of the outcome',
    summaryText(variance),
    theirs ? summaryText(theirs.variance) : '–',
    '',
    '',
    '',
    '',
  ])
  const head = [
    'method',
    'ours: MSE (SE), n',
    'authors: MSE (SE), n',
    'ours: share (SE), n',
    'authors: share (SE), n',
    'joint SE',
    '',
  ]
  return [row(head), row(head.map(() => '---')), ...rows, spread]
}

/** How far means are apart, in joint standard errors; null where one has none. */
const joint = (a, b) => (a.se === null || b.se === null ? null : (a.mean - b.mean) / Math.hypot(a.se, b.se))
const verdict = (off) => (Math.abs(off) <= 2 ? 'within 2' : off < 0 ? 'better' : 'outside')

/** Pairs of methods on the same seeds, ours and the authors'. */
function differences(name, scores, pairs) {
  const theirs = AUTHORS[name]?.methods
  const rows = pairs.map(([a, b]) => {
    const authors = theirs ? comparison(theirs[theirName(a)]?.values, theirs[theirName(b)]?.values) : []
    return row([`${a} − ${b}`, ...comparison(scores[a], scores[b]), ...authors])
  })
  if (!theirs) return ['| on the same seeds | ours | p |', '| --- | --- | --- |', ...rows]
  return ['| on the same seeds | ours | p | authors | p |', '| --- | --- | --- | --- | --- |', ...rows]
}

/** What each variant chose: how often each ρ, how many clusters and teachers. */
function choices(name, { variants }) {
  const counts = (values) => [...tally(values)].map(([value, times]) => `${value} (${times})`).join(', ')
  const line = (text, rho, k, teachers) => row([text, counts(rho), counts(k), counts(teachers)])
  const theirs = AUTHORS[name]
  return [
    '| variant | ρ chosen (times) | clusters k (times) | teachers (times) |',
    '| --- | --- | --- | --- |',
    ...Object.entries(variants).map(([variant, { rho, k, teachers }]) => line(variant, rho, k, teachers)),
    ...(theirs ? [line('the authors’ runs', theirs.rho, theirs.k, theirs.teachers)] : []),
  ]
}

/** How often each value, smallest first. */
function tally(values) {
  const times = new Map()
  for (const value of [...values].sort((a, b) => a - b)) times.set(value, (times.get(value) ?? 0) + 1)
  return times
}

/** `−0.33 ± 0.06` and p, of the seeds that have both; empty where there are none. */
function comparison(a = [], b = []) {
  const both = a.map((value, i) => [value, b[i]]).filter(([x, y]) => Number.isFinite(x) && Number.isFinite(y))
  if (both.length === 0) return ['', '']
  const { difference, se, p } = paired(...[0, 1].map((side) => both.map((pair) => pair[side])))
  return Number.isFinite(se)
    ? [`${signed(difference, DECIMALS)} ± ${se.toFixed(DECIMALS)}`, pText(p)]
    : [signed(difference, DECIMALS), '']
}

function summaryOf(values = []) {
  const { mean, se, n } = summarize(values.filter(Number.isFinite))
  return { mean, se: Number.isFinite(se) ? se : null, n }
}
const summaryText = (values) => text(summaryOf(values))
const text = (summary, decimals = DECIMALS) => (summary.n === 0 ? '–' : `${meanText(summary, decimals)}, ${summary.n}`)
const signed = (v, decimals) => `${v < 0 ? '−' : '+'}${Math.abs(v).toFixed(decimals)}`
const row = (cells) => `| ${cells.join(' | ')} |`

/** The authors' name of a method of ours. */
function theirName(method) {
  const [cohort, rest] = method.includes('/') ? method.split('/') : ['', method]
  if (cohort) return `${cohort === 'independent' ? 'indep' : cohort.replace(/@.*/, '')}_${theirName(rest)}`
  if (method.startsWith('oracle:')) return `oracle_${theirName(method.slice('oracle:'.length))}`
  const known = {
    'cooperative-reference': 'coop',
    stacking: 'meta_learner',
    'meta-fusion': 'greedy_ensemble',
    'cohort-best': 'cohort_min',
  }
  return known[method] ?? method.replace('single:', '').replaceAll('-', '_')
}

const [source = 'docs/reproduction.json'] = positionals
const record = statSync(source).isDirectory() ? recordOf(source) : JSON.parse(readFileSync(source, 'utf8'))
if (options.record) writeFileSafely(options.record, recordText(record))
const before = readFileSync(options.out, 'utf8')
const after = [...EXPERIMENTS.keys()].reduce((text, name) => replaced(text, name, block(name)), before)
writeFileSafely(options.out, after)
