import { SingleBar } from 'cli-progress'
import type { Progress } from '../src/core/types.ts'
import { counted } from './sentences.ts'

/** Shows progress on stderr: a bar on a terminal, a line per stage and quarter otherwise. */
export interface ProgressView {
  show(progress: Progress | Share): void
  close(): void
}

/** Shows how many of some jobs are done, and how far those under way are. */
export interface ShareView {
  show(done: number, running: readonly number[]): void
  close(): void
}

export function shareView(jobs: number): ShareView {
  const view = progressView()
  return {
    show(done, running) {
      const share = running.reduce((sum, v) => sum + v, done)
      const what = `${counted(done, 'seed')} of ${jobs} done, ${running.length} under way`
      view.show({ done: share, total: jobs, what })
    },
    close: view.close,
  }
}

export function progressView(): ProgressView {
  return process.stderr.isTTY ? bar() : lines()
}

/** How far some work is, in words of its own. */
interface Share {
  readonly done: number
  readonly total: number
  readonly what: string
}

const what = (progress: Progress | Share): string => {
  if ('what' in progress) return progress.what
  const { stage, rho, epoch, epochs, students } = progress
  const training = epoch > 0 ? `, epoch ${epoch}/${epochs}` : ''
  const who = students > 0 ? `, ${counted(students, 'student')}` : ''
  return `${stage}${stage === 'sharing' ? ` ρ ${rho}` : ''}${training}${who}`
}

function bar(): ProgressView {
  const view = new SingleBar({
    format: '{bar} {percentage} %  {what}  {eta_formatted} left',
    barCompleteChar: '█',
    barIncompleteChar: '░',
    barsize: 24,
    fps: 10,
    etaBuffer: 50,
    clearOnComplete: true,
    stopOnComplete: false,
    stream: process.stderr,
  })
  let started = false
  return {
    show(progress) {
      if (!started) view.start(progress.total, 0, { what: '' })
      started = true
      view.setTotal(progress.total) // It is known only when everything is prepared.
      view.update(progress.done, { what: what(progress) })
    },
    close() {
      if (started) view.stop()
    },
  }
}

function lines(): ProgressView {
  const start = performance.now()
  let last = ''
  return {
    show(progress) {
      const share = progress.done / progress.total
      const key = 'what' in progress ? progress.what : `${progress.stage} ${progress.rho} ${Math.floor(share * 4)}`
      if (key === last) return
      last = key
      const left = share > 0 ? `, ${Math.ceil(((performance.now() - start) / 1000) * (1 / share - 1))} s left` : ''
      console.error(`${Math.floor(100 * share)} %  ${what(progress)}${left}`)
    },
    close() {},
  }
}
