import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { progressView } from '../../node/progress.ts'
import type { Progress } from '../../src/core/types.ts'

const at = (part: Partial<Progress>): Progress => ({
  stage: 'screening',
  rho: 0,
  students: 15,
  epoch: 3,
  epochs: 40,
  done: 0,
  total: 1000,
  ...part,
})

const preparing = at({ stage: 'preparing', students: 0, epoch: 0, epochs: 0, done: 0, total: 1 })
const terminal = process.stderr.isTTY

afterEach(() => {
  vi.restoreAllMocks()
  process.stderr.isTTY = terminal
})

describe('without a terminal', () => {
  const said: string[] = []
  beforeEach(() => {
    said.length = 0
    process.stderr.isTTY = false
    vi.spyOn(console, 'error').mockImplementation((line) => said.push(line))
    vi.spyOn(performance, 'now').mockReturnValueOnce(0).mockReturnValue(3000)
  })

  test('there is a line for each stage and each quarter of the whole', () => {
    const view = progressView()
    view.show(preparing)
    for (let done = 0; done < 500; done += 100) view.show(at({ done }))
    view.show(at({ stage: 'sharing', rho: 0.99, done: 500, students: 1 }))
    view.show(at({ stage: 'scoring', done: 1000, epoch: 0 }))
    view.close()
    expect(said).toEqual([
      '0 %  preparing',
      '0 %  screening, epoch 3/40, 15 students',
      '30 %  screening, epoch 3/40, 15 students, 7 s left',
      '50 %  sharing ρ 0.99, epoch 3/40, 1 student, 3 s left',
      '100 %  scoring, 15 students, 0 s left',
    ])
  })
})

describe('on a terminal', () => {
  let drawn = ''
  beforeEach(() => {
    drawn = ''
    process.stderr.isTTY = true
    vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
      drawn += text
      return true
    })
  })

  test('a bar is drawn of the whole, also when that is known only after the preparations', () => {
    const view = progressView()
    view.show(preparing)
    view.show(at({ done: 250 }))
    view.close()
    expect(drawn).toContain(`${'█'.repeat(6)}${'░'.repeat(18)} 25 %  screening, epoch 3/40, 15 students`)
    expect(drawn).not.toContain('100 %')
  })

  test('nothing is drawn before there is anything to show', () => {
    progressView().close()
    expect(drawn).toBe('')
  })
})
