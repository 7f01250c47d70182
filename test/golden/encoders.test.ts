// The networks of case 4 that are cut, trained step by step as the authors' code trained them, and the first weights of the
// students that are cut from them.

import { describe, expect, test } from 'vitest'
import type { Cut } from '../../src/fusion/extractor.ts'
import { mlpSize } from '../../src/nn/mlp.ts'
import type { Encoder } from '../../src/train/config.ts'
import { networkProblem, trainNetwork } from '../../src/train/encoders.ts'
import { firstBlocks } from '../../src/train/init.ts'
import { ADAM } from '../../src/train/optimizer.ts'
import { planOf } from '../../src/train/step.ts'
import { randomFrom } from '../../src/wasm/random.ts'
import { casesIn, close, latentsOf, problemOf } from './case.ts'

/** Of the recording's README, for the encoders' weights: absolute. Losses are held as relative. */
const TOLERANCE = 1e-5

interface Recorded {
  readonly train_loss: number[][]
  readonly val_loss: number[][]
  readonly best_epoch: number[]
  readonly config: { epochs: number; init_lr: number[]; weight_decay: number[] }
}

describe.each(casesIn('encoders').map((recorded) => ({ name: recorded.name, recorded })))('$name', ({ recorded }) => {
  const { json, tensor } = recorded
  const { encoders } = json.expect as typeof json.expect & { encoders: Recorded }

  function train(modality: number) {
    const { session, sources, target, train, validation, students, test } = problemOf(recorded)
    const present = new Uint8Array(train.length + validation.length + test.length).fill(1)
    const ground = {
      session,
      features: json.dims,
      sources,
      target,
      present: json.dims.map(() => present),
      train,
      validation,
      resolved: { activation: 'relu' as const, batch: json.batch, optimizer: ADAM },
    }
    const { epochs, init_lr, weight_decay } = encoders.config
    const encoder: Encoder = {
      modality,
      widths: [...(json.mod_hiddens?.[modality] ?? []), ...latentsOf(json, modality)],
      epochs,
      rate: init_lr[modality],
      decay: weight_decay[modality],
    }
    const problem = networkProblem(ground, encoder)
    const plan = planOf(problem, Math.max(json.batch, 32))
    const n = train.length
    const order = (epoch: number) => (tensor('order/encoders').values as Int32Array).subarray(epoch * n, (epoch + 1) * n)
    const start = { block: tensor(`init/encoder${modality}`).values as Float32Array }
    const work = trainNetwork(plan, start, encoder, ground.resolved, order)
    const steps = Math.ceil(n / json.batch)
    const { block, size } = plan.states[0]
    for (let turn = work.next(), step = 1; ; turn = work.next(), step++) {
      if (turn.done) return { result: turn.value, students, session }
      if (step % steps !== 0) continue
      const { epoch } = turn.value
      const theirs = tensor(`expect/encoders/epoch${epoch}/encoder${modality}`).values
      close(session.memory.f32(block, size), theirs, TOLERANCE, `epoch ${epoch}`)
    }
  }

  test.each(json.dims.map((_, m) => m))(
    'the network on modality %d: weights and losses of every epoch, and the epoch that is kept',
    (m) => {
      const { result } = train(m)
      expect([...result.bestEpoch]).toEqual([encoders.best_epoch[m]])
      expect(result.epochs).toHaveLength(encoders.train_loss.length)
      result.epochs.forEach(({ train, validation }, e) => {
        close(train.task, [encoders.train_loss[e][m]], TOLERANCE, `epoch ${e} train`, true)
        close(validation.task, [encoders.val_loss[e][m]], TOLERANCE, `epoch ${e} validation`, true)
      })
    },
  )

  test('the students start from what the networks learned, as deep as they are cut', () => {
    const trained = json.dims.map((_, m) => train(m))
    const { students, session } = trained[0]
    const networks = new Map(trained.map(({ result }, m) => [m, result.best[0].block]))
    const names = students.map((_, i) => `student ${i}`)
    const blocks = firstBlocks(students, names, randomFrom(session, 0), networks)
    let cuts = 0
    students.forEach((student, i) => {
      let at = 0
      for (const { encoder, modality } of student.ports) {
        if (!encoder) continue
        expect((student.spec.extractors[modality] as Cut).kind).toBe('sliced')
        const end = at + mlpSize(encoder)
        const theirs = tensor(`init/student${i}`).values.subarray(at, end)
        close(blocks[i].subarray(at, end), theirs, TOLERANCE, names[i])
        at = end
        cuts++
      }
    })
    expect(cuts).toBeGreaterThan(0)
  })
})
