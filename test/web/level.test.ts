// The service with a level: it says what an assessor says.

import { describe, expect, test } from 'vitest'
import { createAssessor, REASONS } from '../../src/fusion/assess.ts'
import { inferSession } from '../fusion/models.ts'
import { SOME, SPLITS, study, train } from '../recipe/studies.ts'
import { faults } from './schema.ts'
import { jsonOf, serviceOf } from './services.ts'

const crossed = {
  train: Int32Array.from([...SPLITS.train, ...SPLITS.validation]).sort(),
  validation: new Int32Array(),
  test: SPLITS.test,
}
const config = { epochs: 10, extractors: { '*': ['skip', 'raw'] }, baselines: false, head: [8] }

describe.each(['classification', 'regression'] as const)('%s', (task) => {
  const given = study({ task, present: SOME })
  const { data } = given
  const { model } = train({ ...given, splits: crossed }, config)
  const assess = () => createAssessor(inferSession(), model)
  const service = serviceOf(model, { assessor: assess })
  const rows = Array.from(SPLITS.test, (row) => ({
    id: data.ids[row],
    modalities: Object.fromEntries(
      data.modalities.map(({ name, columns, present }) => [
        name,
        present[row]
          ? Object.fromEntries(
              columns.map((c) => [c.name, c.kind === 'number' ? c.values[row] : (c.levels[c.codes[row]] ?? null)]),
            )
          : null,
      ]),
    ),
  }))

  test('tells sets or intervals, and the document knows them', async () => {
    const found = assess().assess(data, 0.8, SPLITS.test)
    const { status, answer } = await service.ask(rows, '/v1/predict?level=0.8')
    expect([status, answer.level]).toEqual([200, 0.8])
    const D = found.outputs.length
    const end = (v: number) => (Number.isFinite(v) ? v : null)
    answer.rows.forEach((row: Record<string, unknown>, i: number) => {
      const mute = found.patterns[found.patternOf[i]].students.length === 0
      const reason = found.abstained[i]
      expect(row.caution).toBe(reason ? REASONS[reason] : null)
      expect(row.outOfDistribution).toBe(found.outOfDistribution[i] === 1)
      expect(row.disagreement).toBe(mute ? null : found.disagreement[i])
      if (found.sets) expect(row.set).toEqual(mute ? null : found.outputs.filter((_, d) => found.sets?.[i * D + d]))
      else
        expect(row.interval).toEqual(
          mute
            ? null
            : Object.fromEntries(
                found.outputs.map((name, d) => [name, { low: end(found.low![i * D + d]), high: end(found.high![i * D + d]) }]),
              ),
        )
    })
    const doc = await jsonOf(await service.fetch('/openapi.json'))
    expect(faults(doc, { $ref: '#/components/schemas/Answer' }, answer)).toEqual([])
    expect(doc.paths['/v1/predict'].post.parameters.map((p: { name: string }) => p.name)).toEqual(['rule', 'level'])
  })

  test('without one tells what it always did', async () => {
    const { answer } = await service.ask(rows)
    expect(Object.keys(answer)).toEqual(['rule', 'rows', 'notes'])
    const doc = await jsonOf(await service.fetch('/openapi.json'))
    expect(faults(doc, { $ref: '#/components/schemas/Answer' }, answer)).toEqual([])
  })

  test.each([
    ['level=1', 'the level is "1": give a share between 0 and 1, as 0.9'],
    ['level=', 'the level is "": give a share between 0 and 1, as 0.9'],
    ['level=0.9&rule=simple-average', "a level goes with the model's own ensemble, greedy: leave the rule out"],
  ])('refuses %s', async (query, sentence) => {
    const { status, answer } = await service.ask([], `/v1/predict?${query}`)
    expect([status, answer.error.message]).toEqual([422, sentence])
  })

  test('of a model without calibration is refused, and its document has none', async () => {
    const { calibration: _, ...bare } = model
    const plain = serviceOf(bare, { assessor: assess })
    const { status, answer } = await plain.ask([], '/v1/predict?level=0.9')
    expect(status).toBe(422)
    expect(answer.error.message).toBe('the model has no calibration, so nothing is known of a level: leave it out')
    const doc = await jsonOf(await plain.fetch('/openapi.json'))
    expect(JSON.stringify(doc)).not.toContain('outOfDistribution')
  })
})
