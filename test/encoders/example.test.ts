import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

test('the example fuses images and a table better than each of them', () => {
  const root = fileURLToPath(new URL('../../', import.meta.url))
  const said = execFileSync(process.execPath, ['examples/image-fusion/main.js'], { cwd: root, encoding: 'utf8' })
  const accuracies = [...said.matchAll(/^(.+): accuracy (.+)$/gm)].map(([, name, accuracy]) => [name, Number(accuracy)] as const)
  expect(accuracies.map(([name]) => name)).toEqual(['scan', 'clinical', 'scan + clinical'])
  const [scan, clinical, both] = accuracies.map(([, accuracy]) => accuracy)
  expect(both).toBeGreaterThan(Math.max(scan, clinical))
})
