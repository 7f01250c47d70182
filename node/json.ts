import { FormatError } from '../src/core/errors.ts'

/** A JSON text as a value. @throws FormatError naming the file, and the place as far as the engine tells it */
export function parseJson(file: string, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new FormatError(`${file} is no valid JSON: ${(error as Error).message.replaceAll('\n', ' ')}`)
  }
}
