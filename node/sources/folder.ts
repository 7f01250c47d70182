// Where the files of a study lie, and whether they are real.

import { existsSync, readdirSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { DataError } from '../../src/core/errors.ts'
import { makeFolder, writeFileSafely } from '../files.ts'
import { listed } from '../sentences.ts'

/** The file that says that all others beside it are made up. */
const MARKER = 'SYNTHETIC'

const README = `The files in this folder are synthetic. They have the names, columns, codes and shapes of the real ones and
come out of a random generator: no value in them was measured on anyone, and nothing learned from them is a finding.
`

/**
 * The one file of a folder, or of the folders in it, whose name fits.
 * @param what what to call it in an error
 * @throws DataError when there is no folder, no such file or more than one
 */
export function findFile(folder: string, pattern: RegExp, what: string): string {
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) throw new DataError(`there is no folder "${folder}"`)
  const within = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory())
  const places = [folder, ...within.map(({ name }) => join(folder, name))]
  const found = places.flatMap((place) =>
    readdirSync(place)
      .filter((name) => pattern.test(name))
      .map((name) => join(place, name)),
  )
  if (found.length === 0)
    throw new DataError(`there is no ${what} in "${folder}" or a folder in it: give the folder that holds it`)
  if (found.length > 1) throw new DataError(`"${folder}" holds more than one ${what} (${listed(found)}): leave one`)
  return found[0]
}

/** The title of a study: it says so where the file lies among synthetic ones. */
export const titleOf = (file: string, title: string): string =>
  existsSync(join(dirname(file), MARKER)) ? `Synthetic data in the form of: ${title}` : title

/** Files by name. */
export type Files = Readonly<Record<string, string | Uint8Array>>

/**
 * Writes synthetic files into a folder, with a note that they are; files of an earlier time are overwritten.
 * @throws DataError when the folder holds anything and does not say that it is synthetic
 */
export function writeSynthetic(folder: string, files: Files): void {
  makeFolder(folder)
  const there = readdirSync(folder)
  if (there.length > 0 && !there.includes(MARKER)) {
    throw new DataError(`"${folder}" holds ${listed(there, 2)} and no file "${MARKER}", so it may be real: give another folder`)
  }
  writeFileSafely(join(folder, MARKER), README)
  for (const [name, content] of Object.entries(files)) writeFileSafely(join(folder, name), content)
}
