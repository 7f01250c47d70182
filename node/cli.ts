#!/usr/bin/env node
// The command line. Commands live in commands/; here is what they share: strict arguments, sentences for errors, exit codes.

import { stripVTControlCharacters } from 'node:util'
import { type ArgsDef, type CommandDef, defineCommand, renderUsage, runCommand } from 'citty'
import { VERSION } from '../src/core/version.ts'
import { plain } from './report.ts'
import { UsageError } from './usage.ts'

const EXIT = { data: 1, usage: 2, interrupted: 130 }

const commands: Record<string, () => Promise<CommandDef<ArgsDef>>> = {
  train: () => import('./commands/train.ts').then((m) => m.trainCommand as CommandDef<ArgsDef>),
  predict: () => import('./commands/predict.ts').then((m) => m.predictCommand as CommandDef<ArgsDef>),
  explain: () => import('./commands/explain.ts').then((m) => m.explainCommand as CommandDef<ArgsDef>),
  importance: () => import('./commands/importance.ts').then((m) => m.importanceCommand as CommandDef<ArgsDef>),
  robustness: () => import('./commands/robustness.ts').then((m) => m.robustnessCommand as CommandDef<ArgsDef>),
  'cross-validate': () => import('./commands/cross-validate.ts').then((m) => m.crossValidateCommand as CommandDef<ArgsDef>),
  evaluate: () => import('./commands/evaluate.ts').then((m) => m.evaluateCommand as CommandDef<ArgsDef>),
  quantize: () => import('./commands/quantize.ts').then((m) => m.quantizeCommand as CommandDef<ArgsDef>),
  inspect: () => import('./commands/inspect.ts').then((m) => m.inspectCommand as CommandDef<ArgsDef>),
  report: () => import('./commands/report.ts').then((m) => m.reportCommand as CommandDef<ArgsDef>),
  export: () => import('./commands/export.ts').then((m) => m.exportCommand as CommandDef<ArgsDef>),
  reproduce: () => import('./commands/reproduce.ts').then((m) => m.reproduceCommand as CommandDef<ArgsDef>),
  theory: () => import('./commands/theory.ts').then((m) => m.theoryCommand as CommandDef<ArgsDef>),
  synthesize: () => import('./commands/synthesize.ts').then((m) => m.synthesizeCommand as CommandDef<ArgsDef>),
  demo: () => import('./commands/demo.ts').then((m) => m.demoCommand as CommandDef<ArgsDef>),
  serve: () => import('./commands/serve.ts').then((m) => m.serveCommand as CommandDef<ArgsDef>),
}

const program = defineCommand({
  meta: { name: 'metafusion', version: VERSION, description: 'Multimodal fusion by a cohort of students that teach each other' },
  subCommands: commands,
})

async function main([name, ...rest]: string[]): Promise<void> {
  const wantsHelp = (args: readonly string[]) => args.some((arg) => arg === '--help' || arg === '-h')
  if (name === undefined || name === '--help' || name === '-h') {
    await help(program)
    if (name === undefined) throw new UsageError('no command: write one of those above')
    return
  }
  if (name === '--version' || name === '-v') return console.log(VERSION)
  if (!Object.hasOwn(commands, name)) {
    throw new UsageError(`unknown command "${name}": there are ${Object.keys(commands).join(', ')}`)
  }
  const command = await commands[name]()
  if (wantsHelp(rest)) return help(command, program)
  checkArguments(name, rest, command.args as ArgsDef)
  await runCommand(command, { rawArgs: rest })
}

/** Prints what a command can do; in colours on a terminal. */
async function help(command: CommandDef<ArgsDef>, parent?: CommandDef<ArgsDef>): Promise<void> {
  const usage = (await renderUsage(command, parent)).replace(/ +$/gm, '').trim()
  console.log(process.stdout.isTTY ? usage : stripVTControlCharacters(usage).replace(/ +$/gm, ''))
}

/** citty lets unknown options and superfluous words pass; here they are refused, and what is missing is asked for. */
function checkArguments(name: string, rest: readonly string[], args: ArgsDef): void {
  const options = Object.entries(args).filter(([, arg]) => arg.type !== 'positional')
  const positionals = Object.keys(args).filter((key) => args[key].type === 'positional')
  const words: string[] = []
  const given = new Set<string>()
  for (let i = 0; i < rest.length; i++) {
    const [flag, value] = rest[i].split(/=(.*)/s)
    if (!flag.startsWith('-')) {
      words.push(flag)
      continue
    }
    const option = options.find(([key]) => flag === `--${key}`)
    if (!option)
      throw new UsageError(`"${name}" has no option "${flag}": there are ${options.map(([key]) => `--${key}`).join(', ')}`)
    if (given.has(flag)) throw new UsageError(`"${flag}" is given twice: give it once`)
    given.add(flag)
    if (option[1].type === 'boolean') {
      if (value !== undefined) throw new UsageError(`"${flag}" takes no value: write ${flag} alone`)
      continue
    }
    const next = value ?? rest[++i]
    if (next === undefined || next === '' || (value === undefined && /^--?[a-z]/.test(next))) {
      throw new UsageError(`"${flag}" needs a value: write ${written(option)}`)
    }
  }
  if (words.length > positionals.length) throw new UsageError(`"${words[positionals.length]}" is one word too many for "${name}"`)
  if (words.length < positionals.length)
    throw new UsageError(`"${name}" needs ${positionals[words.length].toUpperCase()}: see metafusion ${name} --help`)
  const missing = options.find(([key, arg]) => arg.required && !given.has(`--${key}`))
  if (missing) throw new UsageError(`"${name}" needs ${written(missing)}: see metafusion ${name} --help`)
}

/** `--out FILE` */
const written = ([key, { valueHint = key }]: [string, ArgsDef[string]]): string => `--${key} ${valueHint.toUpperCase()}`

/** One sentence for what is the user's to mend; the whole story for what is ours. */
function report(error: unknown): void {
  const known = ['ShapeError', 'DataError', 'FormatError', 'MemoryError']
  if (!(error instanceof Error)) throw error
  const say = (sentence: string) => console.error(`metafusion: ${plain(sentence)}`)
  if (error.name === 'UsageError' || error.name === 'ConfigError' || error.name === 'CLIError') {
    say(error.message)
    process.exitCode = EXIT.usage
  } else if (error.name === 'AbortError') {
    say(`interrupted: ${error.message}`)
    process.exitCode = EXIT.interrupted
  } else {
    if (known.includes(error.name)) say(error.message)
    else console.error(error)
    process.exitCode = EXIT.data
  }
}

// A reader that has seen enough (`| head`) closes the pipe. The work goes on: its result is a file, not what is printed.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
  })
}

main(process.argv.slice(2)).catch(report)
