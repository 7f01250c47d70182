import { SingleBar } from 'cli-progress'
import type { Progress } from '../src/core/types.ts'
import { counted } from './sentences.ts'

/** Shows progress on stderr: a bar on a terminal, a line per stage and quarter otherwise. */
export interface ProgressView {
  show(progress: Progress): void
  close(): void
}

export function progressView(): ProgressView {
  return process.stderr.isTTY ? bar() : lines()
}

const what = ({ stage, rho, epoch, epochs, students }: Progress): string => {
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
      const key = `${progress.stage} ${progress.rho} ${Math.floor(share * 4)}`
      if (key === last) return
      last = key
      const left = share > 0 ? `, ${Math.ceil(((performance.now() - start) / 1000) * (1 / share - 1))} s left` : ''
      console.error(`${Math.floor(100 * share)} %  ${what(progress)}${left}`)
    },
    close() {},
  }
}
