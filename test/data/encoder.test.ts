import { describe, expect, test } from 'vitest'
import { encodeModality, type FrozenEncoder } from '../../src/data/encoder.ts'
import { readModel, writeModel } from '../../src/formats/model-file.ts'
import { createPredictor } from '../../src/fusion/predictor.ts'
import { chooseSplits } from '../../src/recipe/choose-splits.ts'
import { inferSession } from '../fusion/models.ts'
import { module, train } from '../recipe/studies.ts'

/** How often each of three letters stands in a text. */
const letters: FrozenEncoder<string> = {
  name: 'letters-v1',
  width: 3,
  encode: (texts) => Float32Array.from(texts.flatMap((text) => ['a', 'b', 'c'].map((l) => text.split(l).length - 1))),
}
const numbersOf = (values: Iterable<number>) => [...values]

describe('a modality of raw inputs', () => {
  test('has a row for each, and none where there is no input', async () => {
    const made = await encodeModality('note', letters, ['abba', undefined, '', 'cab'])
    expect(made.name).toBe('note')
    expect([...made.present]).toEqual([1, 0, 1, 1])
    const columns = made.columns.map((c) => (c.kind === 'number' ? numbersOf(c.values) : []))
    expect(columns).toEqual([
      [2, Number.NaN, 0, 1],
      [2, Number.NaN, 0, 1],
      [0, Number.NaN, 0, 1],
    ])
  })

  test('has features that name the encoder', async () => {
    const made = await encodeModality('note', letters, ['a'])
    expect(made.columns.map((c) => c.name)).toEqual(['letters-v1 0', 'letters-v1 1', 'letters-v1 2'])
  })

  test('is the same whatever the batch, also of an encoder that takes its time', async () => {
    const asked: number[] = []
    const slow = {
      ...letters,
      encode: async (texts: readonly string[]) => {
        asked.push(texts.length)
        return letters.encode(texts)
      },
    }
    const texts = ['a', 'bb', undefined, 'ccc', 'abc', 'ba']
    const whole = await encodeModality('note', letters, texts)
    expect(await encodeModality('note', slow, texts, { batch: 2 })).toEqual(whole)
    expect(asked).toEqual([2, 2, 1])
  })

  test('of nobody asks nothing', async () => {
    const made = await encodeModality('note', { ...letters, encode: () => Promise.reject(new Error('asked')) }, [undefined])
    expect([...made.present]).toEqual([0])
  })
})

describe('refuses', () => {
  const of = (part: Partial<FrozenEncoder<string>>, batch?: number) =>
    encodeModality('note', { ...letters, ...part }, ['a', undefined, 'b'], { batch })

  test.each<[string, () => Promise<unknown>, string, string]>([
    [
      'rows of another width',
      () => of({ width: 4 }),
      'ShapeError',
      'the encoder "letters-v1" made 6 numbers of 2 inputs: 4 of each were expected',
    ],
    [
      'numbers that are not finite, by the place of the input',
      () => of({ encode: () => Float32Array.of(1, 2, 3, 4, Number.NaN, 6) }),
      'DataError',
      'the encoder "letters-v1" made NaN of input 2 of "note": correct the input, or give undefined where there is none',
    ],
    [
      'no width',
      () => of({ width: 0 }),
      'ConfigError',
      'the encoder "letters-v1" has the width 0: give it a name and a whole width from 1 on',
    ],
    [
      'no name',
      () => of({ name: '' }),
      'ConfigError',
      'the encoder "" has the width 3: give it a name and a whole width from 1 on',
    ],
    ['no batch', () => of({}, 0), 'ConfigError', 'the batch of inputs to encode is 0: give a whole number from 1 on'],
  ])('%s', async (_, work, name, message) => {
    await expect(work()).rejects.toMatchObject({ name, message })
  })
})

test('a model trained on encoded texts predicts from texts, and refuses the rows of another encoder', async () => {
  const texts = Array.from({ length: 60 }, (_, i) =>
    i % 7 === 3 ? undefined : `${'a'.repeat(i % 5)}${'b'.repeat((3 * i) % 4)}c`,
  )
  const note = await encodeModality('note', letters, texts)
  const ids = texts.map((_, i) => `s${i}`)
  const labels = Int32Array.from(texts, (text, i) => ((text ?? 'a'.repeat(i % 5)).startsWith('aa') ? 1 : 0))
  const target = { task: 'classification', classes: ['short', 'long'], labels } as const
  const age = {
    name: 'age',
    columns: [{ kind: 'number', name: 'age', values: Float64Array.from(texts, (_, i) => i % 5) }],
    present: new Uint8Array(60).fill(1),
  } as const
  const data = { ids, modalities: [note, age], target }
  const { splits } = chooseSplits(module, data, {})
  const { model } = train({ data, splits }, { extractors: { '*': ['skip', 'raw'] }, epochs: 40 })
  const predictor = createPredictor(inferSession(), readModel(writeModel(model)))

  const fresh = await encodeModality('note', letters, ['aaaab', 'b'])
  const prediction = predictor.predict({ ids: ['long', 'short'], modalities: [fresh] })
  expect([...prediction.labels!]).toEqual([1, 0])
  const other = await encodeModality('note', { ...letters, name: 'letters-v2' }, ['aaaab', 'b'])
  expect(() => predictor.predict({ ids: ['long', 'short'], modalities: [other] })).toThrow(
    'feature "letters-v1 0" of "note" is missing: the model needs it as a column',
  )
})
