/** Names in quotes, the first few of many: `"a", "b" and 7 more`. @param count of all, if `names` are but the first */
export function listed(names: readonly string[], most = 5, count = names.length): string {
  const shown = names.slice(0, most).map((name) => `"${name}"`)
  if (count > most) return `${shown.join(', ')} and ${count - most} more`
  return shown.join(', ')
}

/** `1 row`, `2 rows`; a plural of its own where the word has one. */
export const counted = (n: number, word: string, plural = `${word}s`): string => `${n} ${n === 1 ? word : plural}`

/** What a cell holds, in quotes, on one line and not too long. */
export function shown(cell: string): string {
  const line = cell.replace(/\s+/g, ' ')
  return line.length > 40 ? `"${line.slice(0, 40)}…"` : `"${line}"`
}

/** Where to talk to people: not into the file that is being written. */
export const talk = (out: string): ((line: string) => void) =>
  out === '/dev/stdout' || out === '/dev/fd/1' ? (line) => console.error(line) : (line) => console.log(line)
