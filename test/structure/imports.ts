import { readdirSync, readFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The repository's folder. */
export const ROOT = fileURLToPath(new URL('../../', import.meta.url))

export const readText = (path: string): string => readFileSync(join(ROOT, path), 'utf8')
export const readJson = (path: string) => JSON.parse(readText(path))

/** Paths of the files below a folder of the repository whose names match, `/` between folders. */
export const filesIn = (folder: string, name: RegExp): string[] =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .map((path) => posix.join(folder, path.replaceAll('\\', '/')))
    .filter((path) => name.test(path))
    .sort()

/** What a module's text names as its imports: static, re-exported, for effect, dynamic or of a type alone. */
export function importsOf(text: string): string[] {
  const fixed = /^(?:import|export)\s(?:[^'"=;]*?\sfrom\s)?\s*['"]([^'"]+)['"]/gm
  const inside = /\bimport\(\s*['"]([^'"]+)['"]\s*\)/g
  return [...text.matchAll(fixed), ...text.matchAll(inside)].map((match) => match[1])
}

/** The file that a relative import means. */
export const resolve = (from: string, to: string): string => posix.join(posix.dirname(from), to)

/** Every file that a file reaches, itself first, and every package. */
export function reach(entry: string): { files: string[]; packages: string[] } {
  const files = new Set([entry])
  const packages = new Set<string>()
  for (const file of files) {
    for (const to of importsOf(readText(file))) {
      if (to.startsWith('.')) files.add(resolve(file, to))
      else packages.add(to)
    }
  }
  return { files: [...files], packages: [...packages].sort() }
}

/** Folders of src/ in the order of dependency: a file imports from its own or from one before. */
export const BEFORE_THE_LINE = ['core', 'wasm', 'data', 'metrics', 'nn', 'fusion', 'formats']
export const AFTER_THE_LINE = ['train', 'baselines', 'recipe', 'experiments', 'service']
export const ROOMS = [...BEFORE_THE_LINE, ...AFTER_THE_LINE]

/** The room of a file in src/, or in dist/src/; undefined for a door. */
export const roomOf = (path: string): string | undefined => /^(?:dist\/)?src\/([^/]+)\//.exec(path)?.[1]
