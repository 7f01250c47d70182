import { readFileSync } from 'node:fs'

/** Steps of Adam; each table has a row per step. */
export interface AdamGolden {
  readonly origin: string
  readonly rate: number
  readonly beta1: number
  readonly beta2: number
  readonly epsilon: number
  readonly start: number[]
  readonly gradients: number[][]
  readonly runs: {
    readonly decay: number
    readonly params: number[][]
    readonly firstMoments: number[][]
    readonly secondMoments: number[][]
  }[]
}

/** Students' losses and how they fall into clusters. */
export interface KmeansGolden {
  readonly origin: string
  readonly cases: {
    readonly losses: number[]
    readonly k: number
    readonly best_cluster_idxs: number[]
    readonly worst_cluster_idxs: number[]
    readonly weights: number[]
    readonly all_implementations_agree: boolean
    readonly detail: {
      readonly exact: {
        readonly k: number
        readonly silhouette: Record<string, number>
        readonly best_cluster: number[]
        readonly worst_cluster: number[]
      }
    }
  }[]
}

/** Numbers that came from elsewhere; `origin` in each file names the program that made them. */
export function readGolden(name: 'adam'): AdamGolden
export function readGolden(name: 'kmeans'): KmeansGolden
export function readGolden(name: string): unknown {
  return JSON.parse(readFileSync(new URL(`../golden/${name}.json`, import.meta.url), 'utf8'))
}
