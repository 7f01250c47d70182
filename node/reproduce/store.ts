// Seeds that are done, one file each, so that a run which was stopped goes on where it was.

import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { DataError } from '../../src/core/errors.ts'
import { VERSION } from '../../src/core/version.ts'
import { makeFolder, readText, writeFileSafely } from '../files.ts'
import { parseJson } from '../json.ts'
import type { Done, Task } from './task.ts'

export interface Store {
  /** The folder of this experiment's files. */
  readonly folder: string
  /** A seed that is done. @throws DataError when its file is none of this experiment as it is now */
  read(seed: number): Done | undefined
  write(done: Done): void
}

/** @throws DataError when the folder cannot be made */
export function storeIn(out: string, task: Task): Store {
  const folder = join(out, task.name)
  makeFolder(folder)
  const key = createHash('sha256')
    .update(JSON.stringify([VERSION, task.key]))
    .digest('hex')
    .slice(0, 16)
  const fileOf = (seed: number) => join(folder, `seed-${String(seed).padStart(4, '0')}.json`)
  return {
    folder,
    read(seed) {
      const file = fileOf(seed)
      if (!existsSync(file)) return undefined
      const stored = parseJson(file, readText(file)) as Done & { readonly key?: string }
      if (stored?.key !== key || stored.result?.seed !== seed) {
        throw new DataError(`${file} was not written by this version for this experiment: move it away or choose another --out`)
      }
      return { result: stored.result, seconds: stored.seconds }
    },
    write({ result, seconds }) {
      writeFileSafely(fileOf(result.seed), `${JSON.stringify({ key, seconds, result })}\n`)
    },
  }
}
