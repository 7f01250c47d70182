const DECIMAL = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/

/** The number a text spells out in decimal digits; ±Infinity when it is too large to hold, NaN when it is no such text. */
export const decimal = (text: string): number => (DECIMAL.test(text) ? Number(text) : Number.NaN)

/** The different names in the order classes and levels are kept in: by value when all are numbers, else by code unit. */
export function sortLevels(names: Iterable<string>): string[] {
  const sorted = [...new Set(names)].sort()
  const values = new Map(sorted.map((name) => [name, decimal(name)]))
  if (![...values.values()].every(Number.isFinite)) return sorted
  return sorted.sort((a, b) => values.get(a)! - values.get(b)!)
}
