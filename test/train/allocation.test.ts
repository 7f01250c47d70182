import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

test('a step allocates nothing: not in WASM memory, and of the heap less than one array would take', () => {
  // Nothing is collected while 2000 steps use less than this young generation, so what they took is what the heap grew by.
  const room = ['--min-semi-space-size=64', '--max-semi-space-size=64']
  const script = fileURLToPath(new URL('allocation.js', import.meta.url))
  const { bytes, grown } = JSON.parse(execFileSync(process.execPath, [...room, script], { encoding: 'utf8' }))
  expect(grown).toBe(0)
  expect(bytes).toBeGreaterThanOrEqual(0) // less: something was collected
  // A typed array is some 150 bytes, a student's losses would be two. Boxed numbers that kernels return are left.
  expect(bytes).toBeLessThan(150)
})
