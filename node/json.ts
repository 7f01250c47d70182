import { FormatError } from '../src/core/errors.ts'
import { lineAt } from './files.ts'
import { shown } from './sentences.ts'

/** A JSON text as a value. @throws FormatError naming the file, line and column of the first character that JSON does not allow there */
export function parseJson(file: string, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    const at = firstFault(text)
    const column = at - text.lastIndexOf('\n', at - 1)
    const found = at < text.length ? shown(text.slice(at)) : 'the end of the file'
    throw new FormatError(`${file} is no valid JSON: line ${lineAt(text, at)}, column ${column} does not fit: ${found}`)
  }
}

// Engines differ in whether they tell the place, so we look for it ourselves.
const SPACE = /[ \t\n\r]*/y
const STRING = /"(?:[^"\\\p{Cc}]|\\(?:["\\/bfnrt]|u[\da-fA-F]{4}))*"/uy
const SCALAR = /(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)/y

function firstFault(text: string): number {
  let at = 0
  const take = (pattern: RegExp) => {
    pattern.lastIndex = at
    const taken = pattern.test(text)
    if (taken) at = pattern.lastIndex
    return taken
  }
  const sign = (character: string) => {
    take(SPACE)
    if (text[at] !== character) return false
    at++
    return true
  }
  const key = () => {
    take(SPACE)
    return take(STRING) && sign(':')
  }
  const list = (end: string, item: () => boolean) => {
    if (sign(end)) return true
    do {
      if (!item()) return false
    } while (sign(','))
    return sign(end)
  }
  const value = (): boolean => {
    if (sign('{')) return list('}', () => key() && value())
    if (sign('[')) return list(']', value)
    return take(STRING) || take(SCALAR)
  }
  if (value()) take(SPACE)
  return at
}
