import { describe, expect, test } from 'vitest'
import { AFTER_THE_LINE, BEFORE_THE_LINE, reach, roomOf } from './imports.ts'

// What is walked here is what was built, so types are gone and every import left is one that loads code.

const roomsOf = (files: readonly string[]) => [...new Set(files.flatMap((file) => roomOf(file) ?? []))].sort()

describe('the small door', () => {
  test('loads no file of a room after the line', () => {
    const { files, packages } = reach('dist/src/infer.js')
    expect(roomsOf(files)).toEqual([...BEFORE_THE_LINE].filter((room) => room !== 'metrics').sort())
    expect(packages).toEqual([])
  })

  test('of a host adds the kernels that predict and who compiles them, and no package', () => {
    const { files, packages } = reach('dist/web/infer.js')
    expect(files.filter((file) => !file.startsWith('dist/src/')).sort()).toEqual([
      'dist/build/inline/infer-relaxed.js',
      'dist/build/inline/infer.js',
      'dist/web/infer.js',
      'dist/web/kernels.js',
    ])
    expect(roomsOf(files).filter((room) => AFTER_THE_LINE.includes(room))).toEqual([])
    expect(packages).toEqual([])
  })
})

describe('the full door', () => {
  test('loads what can learn', () => {
    expect(roomsOf(reach('dist/src/index.js').files)).toEqual(expect.arrayContaining(['train', 'recipe', 'baselines', 'metrics']))
  })

  test('of Node does not load the command line', () => {
    const { files, packages } = reach('dist/node/index.js')
    expect(files.filter((file) => /cli|commands\//.test(file))).toEqual([])
    expect(packages.filter((name) => name === 'citty' || name === 'cli-progress')).toEqual([])
  })
})
