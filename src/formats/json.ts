import { FormatError } from '../core/errors.ts'

/**
 * A JSON text of a file that is not to be trusted, as a value.
 * @param what names the text in the error
 * @param deepest how many objects and lists may stand in each other, so that whoever walks the value needs little stack
 * @throws FormatError when it is no JSON, too deep, or names a key twice: readers would not agree on which one counts
 */
export function parseJson(what: string, text: string, deepest: number): unknown {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new FormatError(`${what} is not JSON: the file is damaged or of another kind`)
  }
  // The keys so far of every object that is open, nothing for a list. The text is JSON, so quotes and braces can be relied on.
  const open: (Set<string> | undefined)[] = []
  for (let i = 0; i < text.length; i++) {
    const c = text[i]
    if (c === '{' || c === '[') open.push(c === '{' ? new Set() : undefined)
    else if (c === '}' || c === ']') open.pop()
    else if (c === '"') {
      const start = i
      for (i++; text[i] !== '"'; i++) if (text[i] === '\\') i++
      let next = i + 1
      while (/\s/.test(text.charAt(next))) next++
      if (text[next] === ':') {
        const key = JSON.parse(text.slice(start, i + 1))
        if (open.at(-1)?.has(key)) throw new FormatError(`${what} names ${shown(key)} twice: the file is damaged`)
        open.at(-1)?.add(key)
      }
    }
    if (open.length > deepest) throw new FormatError(`${what} nests deeper than ${deepest} levels: the file is damaged`)
  }
  return value
}

/** A value of such a file in an error: on one line, and not too long. */
export function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing'
  return text.length > 80 ? `${text.slice(0, 80)}…` : text
}

export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
