import { execFileSync } from 'node:child_process'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { expect, test } from 'vitest'

test('the example in the README runs as it stands', () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
  const [, code] = /```js\n([\s\S]*?)```/.exec(readme) ?? []
  // Inside the package, so that 'metafusion' means this one.
  const file = new URL('../dist/readme-example.mjs', import.meta.url).pathname
  writeFileSync(file, code)
  const out = execFileSync(process.execPath, [file], { encoding: 'utf8' })
  rmSync(file)
  expect(out).toMatch(/^meta-fusion \{\n {2}rows: 30,\n {2}accuracy: [01]/)
  expect(out).toMatch(/\[ 'control', 'case' \] Float32Array\(2\) \[ [\d.e-]+, [\d.e-]+ \] \[ 'csf' \]\n$/)
})
