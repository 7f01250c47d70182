import { expect, test, vi } from 'vitest'
import { MemoryError } from '../../src/core/errors.ts'
import { openSession } from '../../src/wasm/session.ts'
import { module } from '../recipe/studies.ts'

test('a host without memory to give is a MemoryError', () => {
  const none = vi.spyOn(WebAssembly, 'Memory').mockImplementation(() => {
    throw new RangeError('WebAssembly.Memory(): could not allocate memory')
  })
  try {
    expect(() => openSession(module)).toThrow(
      new MemoryError(
        'the host gives no WebAssembly memory: raise its limit on memory and addresses (ulimit -v), or drop sessions no longer used',
      ),
    )
  } finally {
    none.mockRestore()
  }
})
