import { expect, test } from 'vitest'
import { filesIn, readText } from './imports.ts'

const nameOf = (file: string) => file.slice(file.lastIndexOf('/') + 1)
const backward = filesIn('src/train/backward', /\.ts$/).map(nameOf)
/** What has a forward pass: it is given the kernels. */
const layers = filesIn('src/nn', /\.ts$/).filter((file) => /\(\s*kernels: InferKernels/.test(readText(file)))

test('every layer, and the student made of them, has its backward pass in a file of the same name, and no other does', () => {
  expect(layers).toEqual(['src/nn/dense.ts', 'src/nn/mlp.ts'])
  expect(backward).toEqual([...layers.map(nameOf), 'student.ts'])
})

test('a backward pass begins with the name of its forward twin', () => {
  for (const name of backward) {
    const twin = name === 'student.ts' ? 'fusion/student.ts' : `nn/${name}`
    expect(readText(`src/train/backward/${name}`).split('\n', 1)[0]).toBe(`// Mirror of ${twin}.`)
  }
})
