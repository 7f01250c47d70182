import { ConfigError } from '../src/core/errors.ts'
import { checkConfig } from '../src/train/check-config.ts'
import type { TrainConfig } from '../src/train/config.ts'
import { readText } from './files.ts'
import { parseJson } from './json.ts'

/** A command line that cannot be understood. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** A whole number from text. @throws UsageError */
export function wholeNumber(option: string, text: string, most: number, least = 0): number {
  const value = Number(text)
  if (!/^\d+$/.test(text) || value < least || value > most)
    throw new UsageError(`${option} is "${text}": give a whole number from ${least} to ${most}`)
  return value
}

/** Seeds from ranges and numbers between commas, each once, upwards. @throws UsageError */
export function seedList(option: string, text: string): number[] {
  const seeds = text.split(',').flatMap((part) => {
    const [, first, last = first] = /^(\d+)(?:-(\d+))?$/.exec(part.trim()) ?? []
    const [from, to] = [Number(first), Number(last)]
    if (!(from <= to) || to >= 2 ** 32 || to - from >= 10_000)
      throw new UsageError(`${option} has "${part}": give seeds such as 1-20 or 1,4,7`)
    return Array.from({ length: to - from + 1 }, (_, i) => from + i)
  })
  return [...new Set(seeds)].sort((a, b) => a - b)
}

/** Numbers between commas. @throws UsageError */
export function numbers(option: string, text: string): number[] {
  return text.split(',').map((part) => {
    const value = Number(part)
    if (part.trim() === '' || !Number.isFinite(value))
      throw new UsageError(`${option} has "${part}": give numbers with commas between, such as 0,0.99,3`)
    return value
  })
}

/** The settings of --config, and over them those of the other options. */
export function configFrom(args: { config?: string; seed?: string; rho?: string; baselines?: string }): TrainConfig {
  return {
    ...(args.config === undefined ? {} : readConfig(args.config)),
    ...(args.seed === undefined ? {} : { seed: wholeNumber('--seed', args.seed, 2 ** 32 - 1) }),
    ...(args.rho === undefined ? {} : { rho: numbers('--rho', args.rho) }),
    ...(args.baselines === undefined
      ? {}
      : { baselines: args.baselines === 'none' ? false : args.baselines.split(',').map((name) => name.trim()) }),
  }
}

function readConfig(file: string): TrainConfig {
  const config = parseJson(file, readText(file))
  try {
    return checkConfig(config)
  } catch (error) {
    throw error instanceof ConfigError ? new ConfigError(`${file}: ${error.message}`) : error
  }
}
