// What a thread can be asked to do for another one.

import type { Progress } from '../core/types.ts'
import type { Dataset, Inputs } from '../data/dataset.ts'
import type { Rule } from '../fusion/ensemble.ts'
import type { Model } from '../fusion/model.ts'
import { createPredictor, type Prediction } from '../fusion/predictor.ts'
import type { Trained } from '../recipe/recipe.ts'
import { openSession } from '../wasm/session.ts'
import type { Host, Signal } from './host.ts'
import { type Planned, type PlanOptions, planOn, type TrainOptions, trainOn } from './train.ts'

/** Options that are plain data. */
export type PlainOptions = Omit<TrainOptions, 'onProgress' | 'signal'>

export interface Desk {
  train(data: Dataset, options: PlainOptions, tell?: (progress: Progress) => void): Promise<Trained>
  plan(data: Dataset, options: PlanOptions): Promise<Planned>
  predict(model: Model, inputs: Inputs, rule?: Rule): Promise<Prediction>
}

/** A desk on the thread that this runs on. @param signal ends its trainings */
export const deskOn = (host: Host, signal?: Signal): Desk => ({
  train: (data, options, onProgress) => trainOn(host, data, { ...options, onProgress, signal }),
  async plan(data, options) {
    await host.load(options.numerics ?? 'exact')
    return planOn(host, data, options)
  },
  predict: async (model, inputs, rule) => createPredictor(openSession(host.kernels('infer')), model, rule).predict(inputs),
})
