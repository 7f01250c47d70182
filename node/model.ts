import { FormatError } from '../src/core/errors.ts'
import type { Model } from '../src/fusion/model.ts'
import { readBytes } from './files.ts'
import type { Expected } from './tables.ts'

/** The model of a file. @throws DataError when it cannot be read; FormatError naming the file */
export function readModelFile(file: string, read: (bytes: Uint8Array) => Model): Model {
  try {
    return read(readBytes(file))
  } catch (error) {
    if (error instanceof FormatError) throw new FormatError(`${file}: ${error.message}`)
    throw error
  }
}

/** What the model must be given. */
export const expectedOf = ({ preparations, target }: Model): Expected => ({ modalities: preparations, target })
