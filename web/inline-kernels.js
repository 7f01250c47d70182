// A step of the build: the compiled kernels as base64 in modules, so that no bundler, server or policy can misplace them.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'

mkdirSync('build/inline', { recursive: true })
for (const name of ['infer', 'train', 'infer-relaxed', 'train-relaxed']) {
  const text = readFileSync(`build/${name}.wasm`).toString('base64')
  writeFileSync(`build/inline/${name}.js`, `export const base64 = '${text}'\n`)
  writeFileSync(`build/inline/${name}.d.ts`, `/** ${name}.wasm */\nexport declare const base64: string\n`)
}
