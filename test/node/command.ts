// The built command as a user runs it: a process of its own, in a folder of its own.

import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { folderOf } from './folder.ts'

const CLI = fileURLToPath(new URL('../../dist/node/cli.js', import.meta.url))

export interface Finished {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Starts `metafusion` with these words in a folder. */
export const start = (folder: string, ...words: string[]): ChildProcess =>
  spawn(process.execPath, [CLI, ...words], { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] })

/** As on a terminal, where nothing says that colours are unwanted. */
const env = { ...process.env, TEST: '', CI: '', NO_COLOR: '', TERM: 'xterm' }

/** What a process says and how it ends. */
export function finished(child: ChildProcess): Promise<Finished> {
  const said = { stdout: '', stderr: '' }
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream]?.setEncoding('utf8').on('data', (text: string) => {
      said[stream] += text
    })
  }
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, ...said }))
  })
}

/** Runs `metafusion` to its end. */
export const metafusion = (folder: string, ...words: string[]): Promise<Finished> => finished(start(folder, ...words))

/** A temporary folder with these files, some of them in folders. */
export function treeOf(files: Readonly<Record<string, string | Uint8Array>>): string {
  const root = folderOf({})
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(join(root, dirname(path)), { recursive: true })
    writeFileSync(join(root, path), content)
  }
  return root
}

/** Rows of a CSV file. */
export const csv = (...rows: readonly (readonly (string | number)[])[]): string =>
  `${rows.map((row) => row.join(',')).join('\n')}\n`

const IDS = Array.from({ length: 60 }, (_, i) => `p${String(i + 1).padStart(2, '0')}`)
const wave = (i: number, j: number) => Math.sin(i * (j + 2) + j).toFixed(3)

/** A study of 60 subjects, cases and controls: scans that every seventh lacks, blood that every eleventh lacks; `p39` lacks both. */
export const study = (): Record<string, string> => ({
  'mri.csv': csv(
    ['id', 'volume', 'thickness'],
    ...IDS.flatMap((id, i) => (i % 7 === 3 ? [] : [[id, Number(wave(i, 0)) + 2 * (i % 2), wave(i, 1)]])),
  ),
  'blood.csv': csv(
    ['id', 'tau', 'sex', 'abeta'],
    ...IDS.flatMap((id, i) =>
      i % 11 === 5 ? [] : [[id, i % 9 === 0 ? '' : wave(i, 2), i % 3 ? 'f' : 'm', Number(wave(i, 3)) - 2 * (i % 2)]],
    ),
  ),
  'labels.csv': csv(['id', 'label'], ...IDS.map((id, i) => [id, i % 2 ? 'case' : 'control'])),
})

/** The same subjects with a score instead of a diagnosis. */
export const scored = (): Record<string, string> => ({
  ...study(),
  'labels.csv': csv(['id', 'score'], ...IDS.map((id, i) => [id, Number(wave(i, 0)) * 10 + 100])),
})

/** Trains in a moment. */
export const QUICK = JSON.stringify({
  epochs: 5,
  batch: 8,
  optimizer: { rate: 0.02 },
  head: [4],
  extractors: { '*': ['skip', 'raw'] },
})

/** Trains until it is stopped. */
export const ENDLESS = JSON.stringify({ ...JSON.parse(QUICK), epochs: 100_000 })

/** Files of a tree, below a folder of their own. */
export const below = (folder: string, files: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(files).map(([name, content]) => [`${folder}/${name}`, content]))
