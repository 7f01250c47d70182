// What the doors are without the packages that they run: the built files alone, in a folder that has none.

import { execFileSync } from 'node:child_process'
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { reach } from '../structure/imports.ts'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const TSC = join(ROOT, 'node_modules/typescript/bin/tsc')
const OPTIONS = [
  '--noEmit',
  '--strict',
  '--module',
  'nodenext',
  '--target',
  'es2022',
  '--lib',
  'es2022',
  '--skipLibCheck',
  'false',
]

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'metafusion-encoders-'))
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
  for (const part of ['src', 'web/encoders']) cpSync(join(ROOT, 'dist', part), join(folder, part), { recursive: true })
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** What a program in the folder prints. */
function printed(program: string): string {
  writeFileSync(join(folder, 'program.js'), program)
  return execFileSync(process.execPath, [join(folder, 'program.js')], { encoding: 'utf8' }).trim()
}

test.each([
  ['tfjs', '{ name: "m", model: () => undefined }', '@tensorflow/tfjs-core @tensorflow/tfjs-backend-wasm'],
  ['onnx', '{ name: "m", model: "model.onnx" }', 'onnxruntime-web'],
])('without its packages the door %s says what to install', (door, options, packages) => {
  const said = printed(
    `import { ${door}Encoder } from './web/encoders/${door}.js'
     await ${door}Encoder(${options}).catch(({ name, message }) => console.log(name + ': ' + message))`,
  )
  expect(said).toMatch(
    new RegExp(
      `^ConfigError: this encoder needs ${packages}, which cannot be loaded \\(Cannot find package .*\\): npm install ${packages}$`,
    ),
  )
})

describe('the types', () => {
  const compiled = (name: string, text: string, inside = folder) => {
    const file = join(inside, name)
    writeFileSync(file, text)
    try {
      execFileSync(process.execPath, [TSC, ...OPTIONS, file], { cwd: inside, encoding: 'utf8', stdio: 'pipe' })
      return ''
    } catch (error) {
      return (error as { stdout: string }).stdout
    }
  }

  test('are whole without the packages', () => {
    const text = `
      import { tfjsEncoder } from './web/encoders/tfjs.js'
      import { onnxEncoder } from './web/encoders/onnx.js'
      const encoders = [await tfjsEncoder({ name: 'a', model: () => { throw new Error('no') } }), await onnxEncoder({ name: 'b', model: 'x' })]
      export const width: number = encoders[0].width
      export const wrong: string = encoders[1].width`
    expect(compiled('user.ts', text)).toMatch(/^user\.ts\(6,\d+\): error TS2322: [^\n]*\n$/)
  })
})

test('nobody but a call loads the packages: a door reaches its few files', () => {
  for (const door of ['tfjs', 'onnx']) {
    const { files } = reach(`dist/web/encoders/${door}.js`)
    expect(files.sort()).toEqual(
      [`dist/web/encoders/${door}.js`, 'dist/web/encoders/frozen.js', 'dist/src/core/errors.js'].sort(),
    )
  }
  for (const door of ['dist/node/index.js', 'dist/src/index.js', 'dist/src/infer.js']) {
    expect(reach(door).files.filter((file) => file.includes('encoders/'))).toEqual([])
  }
})
