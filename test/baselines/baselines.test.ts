import { expect, test } from 'vitest'
import { baselineStudents, baselinesOf } from '../../src/baselines/baselines.ts'
import { canSpeak } from '../../src/fusion/availability.ts'
import { studentName } from '../../src/fusion/student.ts'

const HEAD = { hidden: [8, 4], activation: 'tanh', outputs: 3 } as const
const names = ['mri', 'csf', 'visit']
const students = baselineStudents(3, HEAD)

test('one network on each modality as it is, then one on all of them, with the head of the cohort', () => {
  expect(students.map((s) => studentName(s, names))).toEqual(['mri:raw', 'csf:raw', 'visit:raw', 'mri:raw+csf:raw+visit:raw'])
  for (const student of students) expect(student).toMatchObject(HEAD)
})

test('the network on all fills what is missing; those on one do not', () => {
  expect(students.map((s) => s.fills ?? false)).toEqual([false, false, false, true])
  expect(students.map((s) => canSpeak(s, '101'))).toEqual([true, false, true, true])
  expect(students.map((s) => canSpeak(s, '000'))).toEqual([false, false, false, false])
})

test('early fusion is the network on all, late fusion those on one, and each of these for itself', () => {
  expect(baselinesOf(names)).toEqual([
    { method: 'early-fusion', members: [3] },
    { method: 'late-fusion', members: [0, 1, 2] },
    { method: 'single:mri', members: [0] },
    { method: 'single:csf', members: [1] },
    { method: 'single:visit', members: [2] },
  ])
})

test('of one modality all of them are that network', () => {
  expect(baselineStudents(1, HEAD).map((s) => s.extractors)).toEqual([[{ kind: 'raw' }], [{ kind: 'raw' }]])
  expect(baselinesOf(['mri']).map((b) => b.members)).toEqual([[1], [0], [0]])
})
