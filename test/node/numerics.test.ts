import { afterEach, expect, test, vi } from 'vitest'
import { createPredictor, hasRelaxedSimd, init, kernels, plan, readModel, train, writeModel } from '../../node/index.ts'
import { openTrainSession } from '../../src/wasm/session.ts'
import { NOT_FAST } from '../../src/wasm/shelf.ts'
import { fuses } from '../kernels/kernels.ts'
import { allowRelaxedSimd } from '../kernels/relaxed.ts'
import { QUICK, study } from '../recipe/studies.ts'

allowRelaxedSimd()
afterEach(() => void vi.restoreAllMocks())

await init({ numerics: 'fast' })

/** Where a processor does not multiply and add in one go, fast kernels have the bits of exact ones. */
const SAME = !fuses(openTrainSession(kernels('train', 'fast')))
const CONFIG = { ...QUICK, baselines: false as const }
const { data } = study()

test('fast numerics train the model that exact ones train, but for rounding, and the model says so', async () => {
  expect(hasRelaxedSimd()).toBe(true)
  const [exact, fast] = [await train(data, { config: CONFIG }), await train(data, { config: CONFIG, numerics: 'fast' })]
  expect(exact.model.provenance).not.toHaveProperty('numerics')
  expect(readModel(writeModel(fast.model))).toEqual(fast.model)
  expect(fast.model.provenance.numerics).toBe('fast')
  expect(fast.model.provenance.notes).toEqual(exact.model.provenance.notes)
  const losses = fast.model.students.map((student) => student.loss)
  const { students } = exact.model
  // A fit of 512 values of a few features ends where a step gains little, which rounding brings on a few steps sooner or later.
  for (const [i, { name, loss }] of students.entries())
    expect(Math.abs(losses[i] - loss), name).toBeLessThan(name.startsWith('random ') ? 5e-3 : 1e-3)
  expect(students.every(({ loss }, i) => loss === losses[i])).toBe(SAME)
})

test('a predictor by fast numerics says what an exact one says, but for rounding', async () => {
  const { model } = await train(data, { config: CONFIG })
  const [exact, fast] = [createPredictor(model), createPredictor(model, undefined, 'fast')].map((p) => p.predict(data).values)
  exact.forEach((value, i) => {
    expect(Math.abs(fast[i] - value)).toBeLessThan(1e-4)
  })
  expect(exact.every((value, i) => value === fast[i])).toBe(SAME)
})

test('a host without relaxed SIMD trains the exact model and notes it', async () => {
  vi.spyOn(WebAssembly, 'validate').mockReturnValue(false)
  expect(kernels('train', 'fast')).toBe(kernels('train'))
  const [exact, fast] = [await train(data, { config: CONFIG }), await train(data, { config: CONFIG, numerics: 'fast' })]
  const { provenance } = exact.model
  expect(fast.model).toEqual({ ...exact.model, provenance: { ...provenance, notes: [...provenance.notes, NOT_FAST] } })
})

test('other numerics are refused', async () => {
  const refusal = expect.objectContaining({ name: 'ConfigError', message: 'numerics is "faster": give "exact" or "fast"' })
  const options = { numerics: 'faster' as 'fast' }
  await expect(train(data, options)).rejects.toThrow(refusal)
  expect(() => plan(data, options)).toThrow(refusal)
  expect(() => kernels('infer', options.numerics)).toThrow(refusal)
})
