import { expect, test } from 'vitest'
import { layersOf, SOLVERS, studentName, studentOf } from '../../src/fusion/student.ts'
import { specOf } from '../train/cohort.ts'

const FEATURES = [10, 6, 4]
const spec = specOf('mlp(8,3) pca(2) mlp(5)', 2, { hidden: [7, 6], activation: 'tanh' })

test('its name is what it looks at, and how', () => {
  const names = ['mri', 'csf', 'visit']
  expect(studentName(spec, names)).toBe('mri:mlp(8,3)+csf:pca(2)+visit:mlp(5)')
  expect(studentName(specOf('skip raw skip'), names)).toBe('csf:raw')
  for (const solved of SOLVERS)
    expect(studentName({ ...specOf('raw skip pca(2)'), solved }, names)).toBe(`${solved} mri:raw+visit:pca(2)`)
  expect(studentName({ ...specOf('skip raw skip'), variant: '64,64' }, names)).toBe('csf:raw (64,64)')
})

test('extractors enter the head side by side, in the order of the modalities', () => {
  const { ports, head } = studentOf(spec, FEATURES)
  expect(ports).toEqual([
    { modality: 0, source: '0:raw', offset: 0, width: 3, encoder: { widths: [10, 8, 3], activation: 'tanh' } },
    { modality: 1, source: '1:pca(2)', offset: 3, width: 2, encoder: undefined },
    { modality: 2, source: '2:raw', offset: 5, width: 5, encoder: { widths: [4, 5], activation: 'tanh' } },
  ])
  expect(head).toEqual({ widths: [10, 7, 6, 2], activation: 'tanh' })
})

test('a skipped modality leaves no gap', () => {
  const { ports, head } = studentOf(specOf('skip raw raw', 1, { hidden: [3] }), FEATURES)
  expect(ports.map((p) => [p.modality, p.offset, p.width])).toEqual([
    [1, 0, 6],
    [2, 6, 4],
  ])
  expect(head.widths).toEqual([10, 3, 1])
})

test('its block is PyTorch’s order: encoders by modality, then the head; weight, then bias', () => {
  const { layout } = studentOf(spec, FEATURES)
  expect(layout.tensors.map((t) => `${t.name} ${t.shape.join('×')}`)).toEqual([
    'encoder.0.0.weight 8×10',
    'encoder.0.0.bias 8',
    'encoder.0.1.weight 3×8',
    'encoder.0.1.bias 3',
    'encoder.2.0.weight 5×4',
    'encoder.2.0.bias 5',
    'head.0.weight 7×10',
    'head.0.bias 7',
    'head.1.weight 6×7',
    'head.1.bias 6',
    'head.2.weight 2×6',
    'head.2.bias 2',
  ])
  expect(layout.size).toBe(88 + 27 + 25 + 77 + 48 + 14)
})

test('its layers are addressed as its layout is', () => {
  const student = studentOf(spec, FEATURES)
  const { encoders, head } = layersOf(student, 4000)
  expect(encoders.map((e) => e.length)).toEqual([2, 0, 1])
  const addresses = [...encoders.flat(), ...head].flatMap((l) => [l.weight, l.bias])
  expect(addresses).toEqual(student.layout.tensors.map((t) => 4000 + 4 * t.offset))
  // The latent layer and the last one are linear.
  expect([...encoders.flat(), ...head].map((l) => l.activation)).toEqual([
    'tanh',
    'identity',
    'identity',
    'tanh',
    'tanh',
    'identity',
  ])
})
