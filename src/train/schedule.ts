/**
 * How the learning rate moves within a stage:
 * - `cosine`: from `rate` down to `floor` along half a cosine, optimizer step by step (PyTorch's CosineAnnealingLR, stepped per
 *   batch, T_max the batches of the stage); the floor is reached one step after the last
 * - `step`: `factor` times as large after every `every` epochs (PyTorch's StepLR, stepped per epoch)
 */
export type Schedule =
  | { readonly kind: 'constant' }
  | { readonly kind: 'cosine'; readonly floor?: number }
  | { readonly kind: 'step'; readonly every: number; readonly factor: number }

export const SCHEDULES = ['constant', 'cosine', 'step'] as const

/** The rate in an epoch, from 1, before step `step` of `steps`, from 0. Exact operations: the same bits on every host. */
export function rateAt(schedule: Schedule, rate: number, epoch: number, step: number, steps: number): number {
  if (schedule.kind === 'cosine') {
    const floor = schedule.floor ?? 0
    return floor + ((rate - floor) * (1 + cosPi(step / steps))) / 2
  }
  if (schedule.kind === 'constant') return rate
  let now = rate
  for (let passed = schedule.every; passed < epoch; passed += schedule.every) now *= schedule.factor
  return now
}

/** cos πx for x in 0 … 1: the Taylor series to the 22nd power, less than 1e-15 off. */
export function cosPi(x: number): number {
  if (x > 0.5) return -cosPi(1 - x)
  const y = Math.PI * x
  let sum = 1
  for (let k = 22; k > 0; k -= 2) sum = 1 - (sum * y * y) / (k * (k - 1))
  return sum
}
