// Replays a step-exact case recorded from the authors' own code: from its data, first weights and batch orders.

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { readSafetensors, type Stored } from '../../src/formats/safetensors.ts'
import { sees } from '../../src/fusion/availability.ts'
import { type Extractor, extractorName } from '../../src/fusion/extractor.ts'
import { project } from '../../src/fusion/projection.ts'
import { type Source, type Student, studentOf } from '../../src/fusion/student.ts'
import { pcaLayer } from '../../src/train/pca.ts'
import type { Problem } from '../../src/train/problem.ts'
import { trainSession } from '../kernels/kernels.ts'

/** What a stage of the recording holds, by epoch and student. */
export interface RecordedStage {
  readonly train_loss: number[][]
  readonly train_task_loss: number[][]
  readonly val_loss: number[][]
  readonly val_task_loss: number[][]
  readonly best_epoch: number[]
  readonly best_val_task_loss: number[]
  readonly start_adam_steps: number[]
}

export interface Recording {
  readonly stages: Record<string, RecordedStage>
  readonly clustering: { losses: number[]; weights: number[]; k: number; cluster_idxs: number[] }
  readonly avg_val_loss_of_cluster: Record<string, number>
  readonly best_rho: number
  readonly greedy_ens_idxs: number[]
  readonly test: Record<string, number> & { cohort: number[] }
  readonly test_indep: Record<string, number> & { cohort: number[] }
}

export interface Case {
  readonly name: string
  readonly json: {
    config: { task_type: string; output_dim: number; rho_list: number[]; epochs: number; init_lr: number; weight_decay: number }
    dims: number[]
    mod_outs: number[][]
    batch: number
    mod_hiddens: number[][] | null
    combined_hiddens: number[]
    n_train_val_test: [number, number, number]
    expect: Recording & { students: { dims: number[]; extractors: string[] }[]; cold?: Recording }
  }
  tensor(name: string): Stored
}

/** Widths of a modality's latents, widest first: those that neither leave it out nor take it as it is. */
export const latentsOf = ({ mod_outs, dims }: Case['json'], m: number): number[] =>
  mod_outs[m].filter((width) => width !== 0 && width !== dims[m]).sort((a, b) => b - a)

/** Cases in a folder whose students are trained by the pipeline of METHOD §1: no coop. What encoders did before is replayed in encoders.test.ts. */
export function casesIn(folder: string): Case[] {
  return readdirSync(folder)
    .filter((file) => /^case.*\.json$/.test(file))
    .map((file) => {
      const json = JSON.parse(readFileSync(join(folder, file), 'utf8'))
      const { tensors } = readSafetensors(readFileSync(join(folder, file.replace('.json', '.safetensors'))))
      const tensor = (name: string) => {
        const found = tensors.get(name)
        if (!found) throw new Error(`${file} has no tensor ${name}`)
        return found
      }
      return { name: file.replace('.json', ''), json, tensor }
    })
}

/** The recording as a problem of ours: train, validation and test rows one behind the other. */
export function problemOf({ json, tensor }: Case): Problem & { test: Int32Array } {
  const session = trainSession()
  const { memory } = session
  const [nTrain, nVal, nTest] = json.n_train_val_test
  const rows = nTrain + nVal + nTest
  const stacked = (name: string) => {
    const parts = ['train', 'val', 'test'].map((split) => tensor(`data/${split}/${name}`).values)
    const whole =
      name === 'y' && parts[0] instanceof Int32Array ? new Int32Array(rows) : new Float32Array((parts[0].length / nTrain) * rows)
    let at = 0
    for (const part of parts) {
      whole.set(part, at)
      at += part.length
    }
    return whole
  }
  const sources = new Map<string, Source>()
  json.dims.forEach((width, m) => {
    sources.set(`${m}:raw`, { at: memory.put(stacked(`mod${m}`)), width })
  })
  const extractorOf = (kind: string, m: number, width: number): Extractor => {
    if (kind === 'none') return { kind: 'skip' }
    if (kind === 'full') return { kind: 'raw' }
    if (kind === 'mlp') return { kind: 'mlp', widths: [...(json.mod_hiddens?.[m] ?? []), width] }
    if (kind === 'pca') return { kind: 'pca', components: width }
    if (kind === 'sliced')
      return { kind, widths: [...(json.mod_hiddens?.[m] ?? []), ...latentsOf(json, m).filter((l) => l >= width)] }
    throw new Error(`the extractor ${kind} is not replayed`)
  }
  const outputs = json.config.output_dim
  const students: Student[] = json.expect.students.map(({ dims, extractors }) =>
    studentOf(
      {
        extractors: extractors.map((kind, m) => extractorOf(kind, m, dims[m])),
        hidden: json.combined_hiddens,
        activation: 'relu',
        outputs,
      },
      json.dims,
    ),
  )
  for (const { spec } of students) {
    spec.extractors.forEach((e, m) => {
      const name = `${m}:${extractorName(e)}`
      if (e.kind !== 'pca' || sources.has(name)) return
      const of = (what: string) => tensor(`pca/mod${m}/k${e.components}/${what}`).values as Float32Array
      const pca = { components: of('components'), mean: of('mean'), variance: Float64Array.from(of('explained_variance')) }
      sources.set(name, project(session, sources.get(`${m}:raw`) as Source, pcaLayer(pca, m, name, false), rows))
    })
  }
  const range = (from: number, length: number) => Int32Array.from({ length }, (_, i) => from + i)
  const patterns = Array.from({ length: rows }, () => '1'.repeat(json.dims.length))
  return {
    session,
    students,
    sees: students.map(({ spec }) => sees(spec, patterns)),
    sources,
    target: {
      task: json.config.task_type === 'classification' ? 'classification' : 'regression',
      at: memory.put(stacked('y') as Float32Array | Int32Array),
      outputs,
    },
    train: range(0, nTrain),
    validation: range(nTrain, nVal),
    test: range(nTrain + nVal, nTest),
  }
}
