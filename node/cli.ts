#!/usr/bin/env node
// The command line. Commands live in commands/; here is what they share: strict arguments, sentences for errors, exit codes.

import { type ArgsDef, type CommandDef, defineCommand, renderUsage, runCommand } from 'citty'
import { VERSION } from '../src/core/version.ts'
import { UsageError } from './usage.ts'

const EXIT = { data: 1, usage: 2, interrupted: 130 }

const commands: Record<string, () => Promise<CommandDef<ArgsDef>>> = {
  train: () => import('./commands/train.ts').then((m) => m.trainCommand as CommandDef<ArgsDef>),
  predict: () => import('./commands/predict.ts').then((m) => m.predictCommand as CommandDef<ArgsDef>),
  evaluate: () => import('./commands/evaluate.ts').then((m) => m.evaluateCommand as CommandDef<ArgsDef>),
  inspect: () => import('./commands/inspect.ts').then((m) => m.inspectCommand as CommandDef<ArgsDef>),
  demo: () => import('./commands/demo.ts').then((m) => m.demoCommand as CommandDef<ArgsDef>),
}

const program = defineCommand({
  meta: { name: 'metafusion', version: VERSION, description: 'Multimodal fusion by a cohort of students that teach each other' },
  subCommands: commands,
})

async function main([name, ...rest]: string[]): Promise<void> {
  const wantsHelp = (args: readonly string[]) => args.some((arg) => arg === '--help' || arg === '-h')
  if (name === undefined || name === '--help' || name === '-h') {
    console.log(`${await renderUsage(program)}\n`)
    if (name === undefined) throw new UsageError('no command: write one of those above')
    return
  }
  if (name === '--version' || name === '-v') return console.log(VERSION)
  if (!Object.hasOwn(commands, name)) {
    throw new UsageError(`unknown command "${name}": there are ${Object.keys(commands).join(', ')}`)
  }
  const command = await commands[name]()
  if (wantsHelp(rest)) return console.log(`${await renderUsage(command, program)}\n`)
  checkArguments(name, rest, command.args as ArgsDef)
  await runCommand(command, { rawArgs: rest })
}

/** citty lets unknown options and superfluous words pass; here they are refused. */
function checkArguments(name: string, rest: readonly string[], args: ArgsDef): void {
  const options = Object.entries(args).filter(([, arg]) => arg.type !== 'positional')
  const positionals = Object.keys(args).filter((key) => args[key].type === 'positional')
  const words: string[] = []
  for (let i = 0; i < rest.length; i++) {
    const [flag, value] = rest[i].split(/=(.*)/s)
    if (!flag.startsWith('-')) {
      words.push(flag)
      continue
    }
    const option = options.find(([key]) => flag === `--${key}`)
    if (!option)
      throw new UsageError(`"${name}" has no option "${flag}": there are ${options.map(([key]) => `--${key}`).join(', ')}`)
    if (option[1].type === 'boolean') continue
    const next = value ?? rest[++i]
    if (next === undefined || next === '' || (value === undefined && /^--?[a-z]/.test(next))) {
      throw new UsageError(`"${flag}" needs a value: write ${flag} ${(option[1].valueHint ?? option[0]).toUpperCase()}`)
    }
  }
  if (words.length > positionals.length) throw new UsageError(`"${words[positionals.length]}" is one word too many for "${name}"`)
  if (words.length < positionals.length)
    throw new UsageError(`"${name}" needs ${positionals[words.length].toUpperCase()}: see metafusion ${name} --help`)
}

/** One sentence for what is the user's to mend; the whole story for what is ours. */
function report(error: unknown): void {
  const known = ['ShapeError', 'DataError', 'FormatError', 'MemoryError']
  if (!(error instanceof Error)) throw error
  if (error.name === 'UsageError' || error.name === 'ConfigError' || error.name === 'CLIError') {
    console.error(`metafusion: ${error.message}`)
    process.exitCode = EXIT.usage
  } else if (error.name === 'AbortError') {
    console.error('metafusion: interrupted; nothing was written')
    process.exitCode = EXIT.interrupted
  } else {
    console.error(known.includes(error.name) ? `metafusion: ${error.message}` : error)
    process.exitCode = EXIT.data
  }
}

// A reader that has seen enough (`| head`) closes the pipe: no error of ours.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0)
  throw error
})

main(process.argv.slice(2)).catch(report)
