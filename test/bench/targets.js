// What is aimed at, beside what was measured.

import { readFileSync } from 'node:fs'

/** @type {Record<string, { floor: number, goal: number, unit?: string, smaller?: true }>} by id; of `smaller` ones less is better */
export const TARGETS = JSON.parse(readFileSync(new URL('targets.json', import.meta.url), 'utf8'))

/** `goal met`, `floor met`, `missed`, or nothing where there is no target or no figure. */
export function stateOf({ id, value }) {
  const target = TARGETS[id]
  if (!target || typeof value !== 'number') return ''
  const reaches = (limit) => (target.smaller ? value <= limit : value >= limit)
  return reaches(target.goal) ? 'goal met' : reaches(target.floor) ? 'floor met' : 'missed'
}

/** A figure with three digits; bytes and counts whole. */
export function text(value, unit) {
  if (typeof value !== 'number') return '–'
  if (unit === 'bytes' || Math.abs(value) >= 1000) return String(Math.round(value))
  return Number(value.toPrecision(3)).toString()
}
