// Values of typed columns as the texts that a CSV file would hold, so that they mean the same.

/** Rows that are made into texts at once. */
export const BLOCK = 4096

/** A number in the fewest digits that tell it apart, `true` or `false`, a text as it is; nothing for null. */
export function textOf(value: unknown): string {
  if (typeof value === 'string') return value
  if (value === null || value === undefined) return ''
  return Object.is(value, -0) ? '-0' : String(value)
}

/** `2026-01-31` @param ms since 1970 */
export const dateText = (ms: number): string => timeText(ms).split('T', 1)[0]

/** `2026-01-31T09:30:00.000Z` @param ms since 1970; beyond what a Date holds they stay a number */
export const timeText = (ms: number): string => (Math.abs(ms) <= 8.64e15 ? new Date(ms).toISOString() : String(ms))

/** A decimal number that is kept as a whole one: `-1234` with scale 2 is `-12.34`. */
export function decimalText(whole: bigint, scale: number): string {
  const digits = String(whole < 0n ? -whole : whole).padStart(scale + 1, '0')
  const sign = whole < 0n ? '-' : ''
  return scale > 0 ? `${sign}${digits.slice(0, -scale)}.${digits.slice(-scale)}` : sign + digits + '0'.repeat(-scale)
}
