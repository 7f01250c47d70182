import { expect, test } from 'vitest'
import { ableStudents } from '../../src/fusion/availability.ts'
import { speakersOf } from '../../src/fusion/speakers.ts'
import { modelFor } from './models.ts'

const { model } = modelFor()

test('those with a weight speak, and the report has them by falling weight', () => {
  const { voices, report } = speakersOf(model, 'greedy')('110')
  const weights = model.ensembles.weights.greedy![1]
  expect(voices!.members).toEqual(Array.from(weights.keys()).filter((i) => weights[i] > 0))
  expect([...voices!.weights]).toEqual(voices!.members.map((i) => weights[i]))
  expect(report.missing).toEqual(['lab'])
  expect(report.students.map((s) => s.weight)).toEqual([...voices!.weights].sort((a, b) => b - a))
})

test('nobody speaks where nobody can', () => {
  expect(
    ableStudents(
      model.students.map((s) => s.spec),
      '000',
    ),
  ).toEqual([])
  expect(speakersOf(model, 'greedy')('000')).toEqual({
    voices: undefined,
    report: { missing: ['scan', 'visit', 'lab'], students: [] },
  })
})

test('a pattern is worked out once, and forgotten when a thousand others have come', () => {
  const speakersFor = speakersOf(model, 'greedy')
  const first = speakersFor('111')
  expect(speakersFor('111')).toBe(first)
  for (let i = 0; i < 2000; i++) speakersFor(i.toString(2).padStart(12, '0'))
  expect(speakersFor('111')).toEqual(first)
  expect(speakersFor('111')).not.toBe(first)
})
