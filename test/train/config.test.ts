import { describe, expect, test } from 'vitest'
import { RULES } from '../../src/fusion/ensemble.ts'
import { extractorName } from '../../src/fusion/extractor.ts'
import { checkConfig, checkFit } from '../../src/train/check-config.ts'
import { resolveConfig, type Shape, type TrainConfig } from '../../src/train/config.ts'

/** A data set of one modality per number of features, all rows complete. */
const shapeOf = (rows: number, ...features: number[]): Shape => ({
  task: 'classification',
  modalities: features.map((count, m) => ({ name: `m${m + 1}`, features: count })),
  rows,
  validation: 50,
  rowsOf: features.map(() => rows),
})
const crossed = (shape: Shape): Shape => ({ ...shape, crossed: true })
const resolve = (config: TrainConfig, shape = shapeOf(200, 20, 5)) => {
  const resolved = resolveConfig(checkConfig(config), shape)
  checkFit(config, resolved, shape)
  return resolved
}
const extractorsOf = (config: TrainConfig, shape?: Shape) =>
  resolve(config, shape).extractors.map((list) => list.map(extractorName))

describe('refusals say what came and what is allowed', () => {
  const WHOLE = 'a whole number from'
  test.each([
    [undefined, 'the configuration is undefined: allowed is an object of settings'],
    [null, 'the configuration is null: allowed is an object of settings'],
    [[], 'the configuration is []: allowed is an object of settings'],
    ['rho', 'the configuration is "rho": allowed is an object of settings'],
    [
      { Rho: [0] },
      'the configuration has no setting "Rho": there are seed, extractors, encoders, budget, folds, repeats, solved, head, activation, rho, epochs, batch, ' +
        'optimizer, schedule, patience, dropout, modalityDropout, labelSmoothing, classWeights, warmStart, chooseRho, teaching, ensembles, average, doubt, greedy, bagging, stacking, standardizeFeatures, unskew, clip, standardizeTarget, pcaRows, unitPca, validation, calibration, test, allowLeakage, baselines',
    ],
    [{ seed: -1 }, `seed is -1: allowed is ${WHOLE} 0 to 4294967295`],
    [{ seed: 4294967296 }, `seed is 4294967296: allowed is ${WHOLE} 0 to 4294967295`],
    [{ seed: 1.5 }, `seed is 1.5: allowed is ${WHOLE} 0 to 4294967295`],
    [{ seed: '1' }, `seed is "1": allowed is ${WHOLE} 0 to 4294967295`],
    [{ seed: 1n }, `seed is 1: allowed is ${WHOLE} 0 to 4294967295`],
    [{ seed: Number.NaN }, `seed is NaN: allowed is ${WHOLE} 0 to 4294967295`],
    [{ budget: 0 }, `budget is 0: allowed is ${WHOLE} 1 to 4096`],
    [{ budget: 4097 }, `budget is 4097: allowed is ${WHOLE} 1 to 4096`],
    [{ head: 64 }, 'head is 64: allowed is a list'],
    [{ head: [64, 0] }, `head[1] is 0: allowed is ${WHOLE} 1 to 65536`],
    [{ head: [[64], [64, '32']] }, `head[1][1] is "32": allowed is ${WHOLE} 1 to 65536`],
    [{ head: [64, [32]] }, 'head[0] is 64: allowed is a list'],
    [{ head: [[64], [32, 16], [64]] }, 'head is [[64],[32,16],[64]]: allowed is each list once'],
    [{ head: [[[64]]] }, `head[0][0] is [64]: allowed is ${WHOLE} 1 to 65536`],
    [{ repeats: 0 }, `repeats is 0: allowed is ${WHOLE} 1 to 100`],
    [{ solved: true }, 'solved is true: allowed is a list'],
    [{ solved: ['ridge', 'svm'] }, 'solved[1] is "svm": allowed is ridge, lasso, random'],
    [{ unskew: 'yes' }, 'unskew is "yes": allowed is true, false'],
    [{ clip: -1 }, 'clip is -1: allowed is a number from 0 to 1000000'],
    [{ clip: Number.NaN }, 'clip is NaN: allowed is a number from 0 to 1000000'],
    [{ clip: true }, 'clip is true: allowed is a number from 0 to 1000000'],
    [{ rho: 3 }, 'rho is 3: allowed is a list'],
    [{ rho: [] }, 'rho is []: allowed is at least one number from 0 on'],
    [{ rho: [0, -1] }, 'rho[1] is -1: allowed is a number from 0 to 1000'],
    [{ rho: [Number.POSITIVE_INFINITY] }, 'rho[0] is Infinity: allowed is a number from 0 to 1000'],
    [{ rho: [null] }, 'rho[0] is null: allowed is a number from 0 to 1000'],
    [{ rho: [0, 2, 0.5, 2] }, 'rho is [0,2,0.5,2]: allowed is each number once, and 2 is there again'],
    [{ epochs: 0 }, `epochs is 0: allowed is ${WHOLE} 1 to 100000`],
    [{ batch: 0 }, `batch is 0: allowed is ${WHOLE} 1 to 65536`],
    [{ activation: 'gelu' }, 'activation is "gelu": allowed is identity, relu, tanh, sigmoid'],
    [{ ensembles: ['greedy', 'median'] }, `ensembles[1] is "median": allowed is ${RULES.join(', ')}`],
    [{ ensembles: [] }, `ensembles is []: allowed is at least one of ${RULES.join(', ')}, each once`],
    [
      { ensembles: ['greedy', 'greedy'] },
      `ensembles is ["greedy","greedy"]: allowed is at least one of ${RULES.join(', ')}, each once`,
    ],
    [{ ensembles: 'greedy' }, 'ensembles is "greedy": allowed is a list'],
    [{ average: 'odds' }, 'average is "odds": allowed is logits, probabilities'],
    [
      { greedy: { metric: 'mse' } },
      'greedy.metric is "mse": allowed is loss, accuracy, balanced-accuracy, macro-f1, auc, mae, r2',
    ],
    [{ bagging: { draws: 3 } }, 'bagging has no setting "draws": there are share'],
    [{ bagging: { share: 0 } }, 'bagging.share is 0: allowed is a number above 0, up to 100'],
    [{ stacking: { fold: 3 } }, 'stacking has no setting "fold": there are rows, epochs, rate, decay, folds'],
    [{ stacking: { rows: 'test' } }, 'stacking.rows is "test": allowed is train, validation, out-of-fold'],
    [{ stacking: { folds: 1 } }, `stacking.folds is 1: allowed is ${WHOLE} 2 to 100`],
    [{ stacking: { epochs: 0 } }, `stacking.epochs is 0: allowed is ${WHOLE} 1 to 100000`],
    [{ stacking: { rate: 0 } }, 'stacking.rate is 0: allowed is a number above 0, up to 1000000'],
    [{ stacking: { decay: -1 } }, 'stacking.decay is -1: allowed is a number from 0 to 1000000'],
    ...['optimizer', 'teaching', 'extractors', 'encoders', 'greedy', 'bagging', 'stacking'].map((key): [object, string] => [
      { [key]: null },
      `${key} is null: allowed is an object of settings`,
    ]),
    [{ bagging: { share: 0.5 } }, 'bagging is {"share":0.5}: allowed is no setting, since ensembles does not list bagging'],
    [
      { ensembles: ['bagging'], stacking: { folds: 3 } },
      'stacking is {"folds":3}: allowed is no setting, since ensembles does not list stacking',
    ],
    [{ warmStart: 1 }, 'warmStart is 1: allowed is none, first, all, weights'],
    [{ chooseRho: 'best' }, 'chooseRho is "best": allowed is ensemble, teachers'],
    [{ warmStart: true }, 'warmStart is true: allowed is none, first, all, weights'],
    [{ teaching: 'best' }, 'teaching is "best": allowed is an object of settings'],
    [{ teaching: { who: 1 } }, 'teaching has no setting "who": there are teachers, clusters, scale, normalizer, burnIn'],
    [
      { teaching: { teachers: 'all' } },
      'teaching.teachers is "all": allowed is cluster, best, uniform, inverse-loss, adaptive, worst-cluster',
    ],
    [{ teaching: { normalizer: 'none' } }, 'teaching.normalizer is "none": allowed is all, others'],
    [{ teaching: { clusters: 0 } }, 'teaching.clusters is 0: allowed is silhouette, elbow or a whole number from 1 to 4096'],
    [
      { teaching: { clusters: 'knee' } },
      'teaching.clusters is "knee": allowed is silhouette, elbow or a whole number from 1 to 4096',
    ],
    [{ teaching: { scale: 0.3 } }, 'teaching.scale is 0.3: allowed is a multiple of 0.5 from 0 to 10'],
    [{ teaching: { scale: '1' } }, 'teaching.scale is "1": allowed is a multiple of 0.5 from 0 to 10'],
    [{ teaching: { scale: null } }, 'teaching.scale is null: allowed is a multiple of 0.5 from 0 to 10'],
    [{ teaching: { scale: -1 } }, 'teaching.scale is -1: allowed is a multiple of 0.5 from 0 to 10'],
    [{ teaching: { scale: 10.5 } }, 'teaching.scale is 10.5: allowed is a multiple of 0.5 from 0 to 10'],
    [{ teaching: { burnIn: -1 } }, `teaching.burnIn is -1: allowed is ${WHOLE} 0 to 100000`],
    [{ dropout: 1 }, 'dropout is 1: allowed is a number from 0 to below 1'],
    [{ dropout: -0.1 }, 'dropout is -0.1: allowed is a number from 0 to below 1'],
    [{ dropout: 1 - 1e-12 }, 'dropout is 0.999999999999: allowed is a number from 0 to below 1'],
    [{ labelSmoothing: 1 }, 'labelSmoothing is 1: allowed is a number from 0 to below 1'],
    [{ labelSmoothing: '0.1' }, 'labelSmoothing is "0.1": allowed is a number from 0 to below 1'],
    [{ patience: -1 }, `patience is -1: allowed is ${WHOLE} 0 to 100000`],
    [
      { patience: 3, teaching: { burnIn: 3 } },
      'patience is 3: allowed is a whole number above teaching.burnIn, which is 3: else a stage may end before sharing begins',
    ],
    [{ patience: 1.5 }, `patience is 1.5: allowed is ${WHOLE} 0 to 100000`],
    [{ schedule: 'cosine' }, 'schedule is "cosine": allowed is an object of settings'],
    [{ schedule: null }, 'schedule is null: allowed is an object of settings'],
    [{ schedule: {} }, 'schedule.kind is undefined: allowed is constant, cosine, step'],
    [{ schedule: { kind: 'linear' } }, 'schedule.kind is "linear": allowed is constant, cosine, step'],
    [{ schedule: { kind: 'constant', floor: 0 } }, 'schedule has no setting "floor": there are kind'],
    [{ schedule: { kind: 'cosine', every: 3 } }, 'schedule has no setting "every": there are kind, floor'],
    [{ schedule: { kind: 'cosine', floor: -1 } }, 'schedule.floor is -1: allowed is a number from 0 to 1000000'],
    [{ schedule: { kind: 'step', factor: 0.1 } }, `schedule.every is undefined: allowed is ${WHOLE} 1 to 100000`],
    [{ schedule: { kind: 'step', every: 0, factor: 0.1 } }, `schedule.every is 0: allowed is ${WHOLE} 1 to 100000`],
    [{ schedule: { kind: 'step', every: 3 } }, 'schedule.factor is undefined: allowed is a number above 0, up to 1'],
    [{ schedule: { kind: 'step', every: 3, factor: 2 } }, 'schedule.factor is 2: allowed is a number above 0, up to 1'],
    [{ classWeights: 'equal' }, 'classWeights is "equal": allowed is none, balanced, or an object of weights by class'],
    [{ classWeights: null }, 'classWeights is null: allowed is none, balanced, or an object of weights by class'],
    [{ classWeights: [1, 2] }, 'classWeights is [1,2]: allowed is none, balanced, or an object of weights by class'],
    [{ classWeights: { a: 0 } }, 'classWeights.a is 0: allowed is a number above 0, up to 1000000'],
    [{ classWeights: { a: '2' } }, 'classWeights.a is "2": allowed is a number above 0, up to 1000000'],
    [{ standardizeTarget: 'no' }, 'standardizeTarget is "no": allowed is true, false'],
    [{ unitPca: 0 }, 'unitPca is 0: allowed is true, false'],
    [{ baselines: null }, 'baselines is null: allowed is true, false or a list of names'],
    [{ baselines: 'single' }, 'baselines is "single": allowed is true, false or a list of names'],
    [{ baselines: ['single', 3] }, 'baselines[1] is 3: allowed is the name of a baseline'],
    [
      { baselines: ['single', 'single'] },
      'baselines is ["single","single"]: allowed is each name once, and single is there again',
    ],
    [{ validation: 0 }, 'validation is 0: allowed is a number between 0 and 1'],
    [{ validation: 1 }, 'validation is 1: allowed is a number between 0 and 1'],
    [{ test: '0.2' }, 'test is "0.2": allowed is a number between 0 and 1'],
    [{ test: Number.NaN }, 'test is NaN: allowed is a number between 0 and 1'],
    [{ optimizer: 'adam' }, 'optimizer is "adam": allowed is an object of settings'],
    [
      { optimizer: { lr: 0.1 } },
      'optimizer has no setting "lr": there are kind, rate, decay, momentum, beta1, beta2, epsilon, clip',
    ],
    [{ optimizer: { kind: 'rmsprop' } }, 'optimizer.kind is "rmsprop": allowed is sgd, adam, adamw'],
    [{ optimizer: { rate: -1 } }, 'optimizer.rate is -1: allowed is a number above 0, up to 1000000'],
    [{ optimizer: { rate: 0 } }, 'optimizer.rate is 0: allowed is a number above 0, up to 1000000'],
    [{ optimizer: { epsilon: 0 } }, 'optimizer.epsilon is 0: allowed is a number above 0, up to 1000000'],
    [{ optimizer: { epsilon: 1e-60 } }, 'optimizer.epsilon is 1e-60: allowed is a number above 0, up to 1000000'],
    [{ optimizer: { decay: -0.1 } }, 'optimizer.decay is -0.1: allowed is a number from 0 to 1000000'],
    [{ optimizer: { clip: -1 } }, 'optimizer.clip is -1: allowed is a number from 0 to 1000000'],
    [{ optimizer: { epsilon: 'small' } }, 'optimizer.epsilon is "small": allowed is a number above 0, up to 1000000'],
    [{ optimizer: { momentum: 1 } }, 'optimizer.momentum is 1: allowed is a number from 0 to 0.999999'],
    [{ optimizer: { beta1: 1 } }, 'optimizer.beta1 is 1: allowed is a number from 0 to 0.999999'],
    [{ optimizer: { beta2: -0.5 } }, 'optimizer.beta2 is -0.5: allowed is a number from 0 to 0.999999'],
    [{ greedy: [3] }, 'greedy is [3]: allowed is an object of settings'],
    [{ greedy: { max: 3 } }, 'greedy has no setting "max": there are best, prune, most, metric, shrink'],
    [{ greedy: { best: 0 } }, `greedy.best is 0: allowed is ${WHOLE} 1 to 4096`],
    [{ greedy: { most: 2.5 } }, `greedy.most is 2.5: allowed is ${WHOLE} 1 to 4096`],
    [{ greedy: { prune: 1 } }, 'greedy.prune is 1: allowed is a number from 0 to 0.99'],
    [{ extractors: ['raw'] }, 'extractors is ["raw"]: allowed is an object of settings'],
    [{ extractors: { m1: 'raw' } }, 'extractors.m1 is "raw": allowed is a list'],
    [
      { extractors: { m1: [7] } },
      'extractors.m1[0] is 7: allowed is skip, raw, pca(30), mlp(128,64), sliced(128,70) or frozen-sliced(128,70)',
    ],
    [
      { extractors: { m1: ['cnn'] } },
      '"cnn" is no extractor: write skip, raw, pca(30), mlp(128,64), sliced(128,70) or frozen-sliced(128,70)',
    ],
    [{ pcaRows: 'all' }, 'pcaRows is "all": allowed is train, train+validation'],
    [{ encoders: [] }, 'encoders is []: allowed is an object of settings'],
    [{ encoders: { m1: 3 } }, 'encoders.m1 is 3: allowed is an object of settings'],
    [{ encoders: { m1: { lr: 1 } } }, 'encoders.m1 has no setting "lr": there are epochs, rate, decay'],
    [{ encoders: { '*': { epochs: 0 } } }, `encoders.*.epochs is 0: allowed is ${WHOLE} 1 to 100000`],
    [{ encoders: { m1: { rate: 0 } } }, 'encoders.m1.rate is 0: allowed is a number above 0, up to 1000000'],
    [{ encoders: { m1: { decay: -1 } } }, 'encoders.m1.decay is -1: allowed is a number from 0 to 1000000'],
  ])('%o', (config, sentence) => {
    expect(() => checkConfig(config)).toThrow(expect.objectContaining({ name: 'ConfigError', message: sentence }))
  })

  test.each<[TrainConfig, Shape, string]>([
    [
      { extractors: { m3: ['raw'] } },
      shapeOf(200, 20, 5),
      'extractors is "m3": allowed is the modalities m1, m2, or "*" for all others',
    ],
    [
      { extractors: { m2: ['skip', 'raw'] } },
      shapeOf(200, 20, 0),
      'extractors.m2 is "skip, raw": allowed is skip alone: no feature of "m2" varies in the training rows',
    ],
    [
      { extractors: { m1: ['raw', 'skip', 'raw'] } },
      shapeOf(200, 20, 5),
      'extractors.m1 is "raw": allowed is each extractor once',
    ],
    [
      { extractors: { m1: ['mlp(8,4)', 'mlp(8, 4)'] } },
      shapeOf(200, 20, 5),
      'extractors.m1 is "mlp(8,4)": allowed is each extractor once',
    ],
    [
      { extractors: { m2: ['skip'] } },
      shapeOf(200, 20, 5),
      'extractors.m2 is "skip": allowed is at least one extractor besides skip',
    ],
    [{ extractors: { m2: [] } }, shapeOf(200, 20, 5), 'extractors.m2 is "": allowed is at least one extractor besides skip'],
    [
      { extractors: { '*': ['pca(6)'] } },
      shapeOf(200, 20, 5),
      'extractors.m2 is "pca(6)": allowed is at most pca(5): there are 5 features and 200 training rows that have them',
    ],
    [
      { extractors: { '*': ['pca(8)'] } },
      shapeOf(8, 20),
      'extractors.m1 is "pca(8)": allowed is at most pca(7): there are 20 features and 8 training rows that have them',
    ],
    [
      { extractors: { '*': ['skip', 'pca(8)'] } },
      { ...shapeOf(100, 20), rowsOf: [0] },
      'extractors.m1 is "pca(8)": allowed is no pca: there are 20 features and 0 training rows that have them',
    ],
    [{ labelSmoothing: 0.1 }, shapeOf(200, 20), 'labelSmoothing is 0.1: allowed is 0, since the target is a regression'],
    [
      { classWeights: 'balanced' },
      shapeOf(200, 20),
      'classWeights is "balanced": allowed is none, since the target is a regression',
    ],
    [{ classWeights: { a: 2 } }, shapeOf(200, 20), 'classWeights is {"a":2}: allowed is none, since the target is a regression'],
    [
      { classWeights: { a: 2, c: 1 } },
      { ...shapeOf(200, 20), classes: ['a', 'b'] },
      'classWeights is "c": allowed is the classes a, b',
    ],
    [
      { schedule: { kind: 'cosine', floor: 0.1 }, optimizer: { rate: 0.01 } },
      shapeOf(200, 20),
      'schedule.floor is 0.1: allowed is a number from 0 to optimizer.rate, which is 0.01',
    ],
    [
      { schedule: { kind: 'cosine', floor: 0.1 } },
      shapeOf(200, 20),
      'schedule.floor is 0.1: allowed is a number from 0 to optimizer.rate, which is 0.003',
    ],
    [
      { extractors: { '*': ['pca(9)'] }, pcaRows: 'train+validation' },
      { ...shapeOf(5, 20), pcaRowsOf: [9] },
      'extractors.m1 is "pca(9)": allowed is at most pca(8): there are 20 features and 9 training and validation rows that have them',
    ],
    [
      { extractors: { m1: ['sliced(4)'] }, encoders: { m2: { epochs: 3 } } },
      shapeOf(200, 20, 5),
      'encoders.m2 is {"epochs":3}: allowed is no setting, since no extractor of "m2" is a cut',
    ],
    [
      { encoders: { '*': { rate: 0.1 } } },
      shapeOf(200, 20, 5),
      'encoders.* is {"rate":0.1}: allowed is no setting, since no extractor of any modality is a cut',
    ],
    [{ encoders: { m3: {} } }, shapeOf(200, 20, 5), 'encoders is "m3": allowed is the modalities m1, m2, or "*" for all others'],
    ...['mlp', 'sliced', 'frozen-sliced'].map((kind): [TrainConfig, Shape, string] => [
      { extractors: { m2: ['raw', `${kind}(16,6)`] } },
      shapeOf(200, 20, 5),
      `extractors.m2 is "${kind}(16,6)": allowed is at most 5 for the last width: a latent wider than the features condenses nothing`,
    ]),
    [
      { extractors: { m1: ['sliced(9,8)', 'raw', 'sliced(9,8,4)', 'frozen-sliced(9,7)'] } },
      shapeOf(200, 20, 5),
      'extractors.m1 is "frozen-sliced(9,7)": allowed is the first widths of (9,8,4): all sliced extractors of a modality are cuts of one network',
    ],
    [
      { extractors: { m1: ['sliced(9)', 'sliced(8)'] } },
      shapeOf(200, 20, 5),
      'extractors.m1 is "sliced(8)": allowed is the first widths of (9): all sliced extractors of a modality are cuts of one network',
    ],
    ...(['first', 'all', 'weights'] as const).flatMap((warmStart): [TrainConfig, Shape, string][] => {
      const message = `warmStart is "${warmStart}": allowed is none where students are cross-fitted or solved; set folds to 0 and solved to [] for others`
      return [
        [{ warmStart }, crossed(shapeOf(200, 20)), message],
        [{ warmStart, solved: ['ridge'] }, shapeOf(200, 20), message],
      ]
    }),
    [
      { extractors: { m1: ['raw', 'frozen-sliced(4)'] } },
      crossed(shapeOf(200, 20)),
      'extractors is "frozen-sliced(4)": allowed is no network that is cut where students are cross-fitted; set folds to 0 for those',
    ],
  ])('%j on the data', (config, shape, sentence) => {
    expect(() => resolve(config, shape)).toThrow(expect.objectContaining({ name: 'ConfigError', message: sentence }))
  })
})

describe('what is allowed is taken as it is', () => {
  test('the ends of every range', () => {
    const low: TrainConfig = {
      seed: 0,
      budget: 1,
      head: [],
      rho: [0],
      epochs: 1,
      batch: 1,
      optimizer: { rate: 1e-9, decay: 0, momentum: 0, beta1: 0, beta2: 0, epsilon: 1e-30, clip: 0 },
      greedy: { best: 1, prune: 0, most: 1 },
      clip: 0,
      validation: 0.001,
      test: 0.999,
    }
    expect(resolve(low)).toMatchObject({ budget: 1, heads: [[]], rho: [0], epochs: 1, batch: 1, greedy: low.greedy, clip: 0 })
    expect(resolve(low).optimizer).toEqual({ ...low.optimizer, kind: 'adamw' })
    const high: TrainConfig = { seed: 2 ** 32 - 1, budget: 4096, rho: [1000], epochs: 100_000, batch: 65536, clip: 1e6 }
    expect(resolve({ ...high, head: [65536] })).toMatchObject({ ...high, heads: [[65536]] })
  })

  test('everything that is set, and the defaults beside it', () => {
    expect(resolve({ optimizer: { kind: 'sgd', momentum: 0.5 } }).optimizer).toMatchObject({
      kind: 'sgd',
      momentum: 0.5,
      rate: 3e-3,
    })
    expect(resolve({ teaching: { teachers: 'best', burnIn: 3 } }).teaching).toEqual({
      teachers: 'best',
      clusters: 'silhouette',
      scale: 1,
      normalizer: 'all',
      burnIn: 3,
    })
    for (const clusters of ['elbow', 1, 4096] as const)
      expect(resolve({ teaching: { clusters } }).teaching.clusters).toBe(clusters)
    for (const scale of [0, 0.5, 10]) expect(resolve({ teaching: { scale } }).teaching.scale).toBe(scale)
    for (const warmStart of ['none', 'first', 'all', 'weights'] as const) expect(resolve({ warmStart }).warmStart).toBe(warmStart)
    expect(resolve({ greedy: { prune: 0 } }).greedy).toEqual({ best: 3, prune: 0, most: 30, metric: 'loss', shrink: 0 })
    expect(resolve({ warmStart: 'first', standardizeTarget: false, unitPca: false, baselines: false })).toMatchObject({
      warmStart: 'first',
      standardizeTarget: false,
      unitPca: false,
      baselines: false,
    })
  })

  test.each<[TrainConfig['head'], number[][]]>([
    [[], [[]]],
    [[[]], [[]]],
    [[64, 32], [[64, 32]]],
    [[[64, 32]], [[64, 32]]],
    [
      [[128], [64, 64], []],
      [[128], [64, 64], []],
    ],
  ])('heads %j', (head, heads) => {
    for (const shape of [shapeOf(200, 20), crossed(shapeOf(200, 20))]) expect(resolve({ head }, shape).heads).toEqual(heads)
  })

  test.each<[TrainConfig, unskew: boolean, clip: number]>([
    [{}, true, 5],
    [{ unskew: false }, false, 5],
    [{ clip: 0 }, true, 0],
    [{ clip: 2.5 }, true, 2.5],
    // What is not divided has no deviation to count by.
    [{ standardizeFeatures: false }, false, 0],
    [{ standardizeFeatures: false, unskew: true, clip: 100 }, true, 100],
  ])('features prepared by %j', (config, unskew, clip) => {
    expect(resolve(config)).toMatchObject({ standardizeFeatures: config.standardizeFeatures ?? true, unskew, clip })
  })

  test('what regularises', () => {
    const classes = { ...shapeOf(200, 20), classes: ['a', 'b'] }
    const config: TrainConfig = {
      dropout: 0.99,
      labelSmoothing: 0.99,
      patience: 100_000,
      schedule: { kind: 'cosine', floor: 0.001 },
      classWeights: { a: 1e6, b: 1e-6 },
    }
    expect(resolve(config, classes)).toMatchObject(config)
    expect(resolve({ classWeights: 'balanced' }, classes).classWeights).toBe('balanced')
    const step = { kind: 'step', every: 100_000, factor: 1 } as const
    expect(resolve({ schedule: step }).schedule).toEqual(step)
    const partly = {
      classWeights: { a: undefined } as unknown as Record<string, number>,
      schedule: { kind: 'cosine', floor: undefined },
    }
    expect(resolve(partly as TrainConfig, classes)).toMatchObject({ classWeights: {}, schedule: { kind: 'cosine' } })
  })

  test('a setting that is undefined is not set', () => {
    const { heads: _, ...resolved } = resolve({})
    const nothing = Object.fromEntries([...Object.keys(resolved), 'head'].map((key) => [key, undefined])) as TrainConfig
    for (const shape of [shapeOf(200, 20, 5), crossed(shapeOf(200, 20, 5))])
      expect(resolve(nothing, shape)).toEqual(resolve({}, shape))
    const inside: TrainConfig = {
      optimizer: { rate: undefined, kind: undefined, decay: undefined },
      greedy: { best: undefined, prune: undefined, most: undefined },
      teaching: { teachers: undefined, clusters: undefined, scale: undefined, normalizer: undefined, burnIn: undefined },
      extractors: { m1: undefined as unknown as string[] },
    }
    expect(resolve(inside)).toEqual(resolve({}))
  })

  test('settings of what is not there, as long as none is set', () => {
    const inside = { encoders: { m1: { rate: undefined } }, stacking: {}, bagging: { share: undefined } }
    expect(resolve(inside)).toEqual(resolve({}))
  })

  test('settings of a network for a modality of which nothing varies in these training rows', () => {
    const config = { extractors: { '*': ['sliced(4)'] }, encoders: { m2: { epochs: 3 } } }
    expect(resolve(config, shapeOf(200, 20, 0)).encoders).toEqual([expect.objectContaining({ modality: 0 })])
  })

  test('a latent as wide as the features, after wider hidden layers', () => {
    const list = ['mlp(64,20)', 'sliced(64,20)', 'sliced(64,20,3)', 'frozen-sliced(64,20)']
    expect(extractorsOf({ extractors: { m1: list } })[0]).toEqual(list)
  })

  test('one network for all cuts of a modality: the deepest, with the course that is set for it, for all, or by default', () => {
    const extractors = { m1: ['sliced(9,8)', 'frozen-sliced(9,8,4)', 'sliced(9)'], m2: ['raw', 'sliced(3)'], m3: ['raw'] }
    const encoders = { '*': { epochs: 7, rate: 0.01 }, m2: { epochs: 2, decay: 0.5, rate: undefined } }
    const shape = shapeOf(200, 20, 5, 5)
    const deepest = [
      { modality: 0, widths: [9, 8, 4] },
      { modality: 1, widths: [3] },
    ]
    const courses = (config: TrainConfig) => resolve({ extractors, ...config }, shape).encoders
    expect(courses({ encoders })).toEqual([
      { ...deepest[0], epochs: 7, rate: 0.01, decay: 0.01 },
      { ...deepest[1], epochs: 2, rate: 0.01, decay: 0.5 },
    ])
    const optimizer = { kind: 'adam', rate: 0.5 } as const
    expect(courses({ epochs: 12, optimizer })).toEqual(deepest.map((e) => ({ ...e, epochs: 12, rate: 1e-3, decay: 0 })))
    expect(resolve({}).encoders).toEqual([])
  })

  test('greedy starts with no more than it may have', () => {
    expect(resolve({ greedy: { most: 2 } }).greedy).toEqual({ best: 2, prune: 0.2, most: 2, metric: 'loss', shrink: 0 })
  })
})

describe('defaults by the shape of the data', () => {
  test('the settings of the paper where it has them', () => {
    expect(resolve({})).toMatchObject({
      seed: 0,
      budget: 64,
      folds: 0,
      solved: [],
      activation: 'relu',
      rho: [0, 0.99, 3],
      schedule: { kind: 'constant' },
      patience: 0,
      dropout: 0,
      labelSmoothing: 0,
      classWeights: 'none',
      warmStart: 'first',
      teaching: { teachers: 'cluster', clusters: 'silhouette', scale: 1, normalizer: 'all', burnIn: 0 },
      greedy: { best: 3, prune: 0.2, most: 30, shrink: 0 },
      standardizeFeatures: true,
      unskew: true,
      clip: 5,
      standardizeTarget: true,
      pcaRows: 'train',
      unitPca: true,
      baselines: true,
    })
  })

  test.each(['classification', 'regression'] as const)('those of a cross-fitted %s, of however many rows', (task) => {
    for (const rows of [40, 4000]) {
      expect(resolve({}, crossed({ ...shapeOf(rows, 20, 5), task }))).toMatchObject({
        budget: 32,
        folds: 5,
        repeats: 1,
        solved: ['ridge', 'lasso', 'random'],
        rho: [0, 0.99],
        dropout: task === 'classification' ? 0.2 : 0,
        warmStart: 'none',
        greedy: { best: 3, prune: 0.2, most: 30, shrink: 200 },
      })
    }
  })

  test('who is solved goes on from nothing', () => {
    expect(resolve({ solved: ['ridge'] }).warmStart).toBe('none')
    expect(resolve({ solved: [] }).warmStart).toBe('first')
  })

  test.each([
    [40, [[128], [64, 64]]],
    [1999, [[128], [64, 64]]],
    [2000, [[256], [128, 128]]],
    [100_000, [[256], [128, 128]]],
  ])('%i training rows: heads %j, whether cross-fitted or not', (rows, heads) => {
    for (const shape of [shapeOf(rows, 20), crossed(shapeOf(rows, 20))]) expect(resolve({}, shape).heads).toEqual(heads)
  })

  test('what is set is so where it is cross-fitted, too', () => {
    const optimizer = { rate: 0.1, decay: 2 }
    const config: TrainConfig = { budget: 7, folds: 3, solved: ['lasso'], rho: [0, 3], optimizer, dropout: 0 }
    expect(resolve(config, crossed(shapeOf(200, 20)))).toMatchObject(config)
    expect(resolve({ solved: [] }, crossed(shapeOf(200, 20))).solved).toEqual([])
    expect(resolve({ optimizer: { kind: 'sgd' } }, crossed(shapeOf(200, 20))).optimizer).toMatchObject({ rate: 0.003, decay: 0 })
  })

  test.each([
    [20, 32, 100],
    [149, 32, 100],
    [150, 64, 100],
    [640, 64, 60],
    [1280, 64, 40],
    [19_200, 64, 40],
    [25_600, 64, 30],
    [100_000, 64, 10],
  ])('%d training rows: batches of %d, %d epochs', (rows, batch, epochs) => {
    expect(resolve({}, shapeOf(rows, 5))).toMatchObject({ batch, epochs })
  })

  test('weights decay by AdamW alone', () => {
    const optimizerOf = (optimizer?: TrainConfig['optimizer']) => resolve({ optimizer }).optimizer
    expect(optimizerOf()).toMatchObject({ kind: 'adamw', rate: 0.003, decay: 0.01 })
    expect(optimizerOf({ kind: 'adamw' }).decay).toBe(0.01)
    expect(optimizerOf({ kind: 'adam' })).toMatchObject({ rate: 0.003, decay: 0 })
    expect(optimizerOf({ kind: 'sgd' }).decay).toBe(0)
    expect(optimizerOf({ kind: 'adam', decay: 0.5 }).decay).toBe(0.5)
  })

  test.each([
    [200, 5, ['skip', 'raw']],
    [200, 16, ['skip', 'raw']],
    [200, 17, ['skip', 'raw', 'mlp(32,16)']],
    [200, 50, ['skip', 'raw', 'mlp(32,16)']],
    [200, 51, ['skip', 'raw', 'pca(25)', 'mlp(32,16)']],
    [5000, 64, ['skip', 'raw', 'mlp(32,16)']],
    [5000, 65, ['skip', 'raw', 'pca(32)', 'mlp(32,16)']],
    [16, 100, ['skip', 'raw', 'pca(2)', 'mlp(32,16)']],
    [15, 100, ['skip', 'raw', 'mlp(32,16)']],
    [0, 100, ['skip', 'raw', 'mlp(32,16)']],
  ])('%d rows that have %d features', (rows, features, expected) => {
    expect(extractorsOf({}, { ...shapeOf(Math.max(rows, 1), features), rowsOf: [rows] })).toEqual([expected])
  })

  test('a modality without features is skipped, whatever is asked of the others', () => {
    for (const config of [{}, { extractors: { '*': ['raw', 'mlp(4)'] } }, { extractors: { m2: ['skip'] } }] as TrainConfig[]) {
      expect(extractorsOf(config, shapeOf(200, 20, 0))[1]).toEqual(['skip'])
    }
  })

  test('a modality by name, the others by "*", or by default', () => {
    expect(extractorsOf({ extractors: { m2: ['raw'], '*': ['skip', 'pca(3)'] } })).toEqual([['skip', 'pca(3)'], ['raw']])
    expect(extractorsOf({ extractors: { m2: ['raw'] } })).toEqual([['skip', 'raw', 'mlp(32,16)'], ['raw']])
  })
})

describe('ensembles fit the task', () => {
  const numbers = { ...shapeOf(200, 20), task: 'regression' as const }
  test.each<[TrainConfig, Shape, string]>([
    [
      { ensembles: ['greedy', 'majority-vote'] },
      numbers,
      'ensembles[1] is "majority-vote": allowed is greedy, best-single, simple-average, weighted-average, bagging, stacking',
    ],
    [{ average: 'probabilities' }, numbers, 'average is "probabilities": allowed is logits'],
    [{ greedy: { metric: 'auc' } }, numbers, 'greedy.metric is "auc": allowed is loss, mae, r2'],
    [
      { greedy: { metric: 'r2' } },
      shapeOf(200, 20),
      'greedy.metric is "r2": allowed is loss, accuracy, balanced-accuracy, macro-f1, auc',
    ],
  ])('%j', (config, shape, sentence) => {
    expect(() => resolve(config, shape)).toThrow(expect.objectContaining({ name: 'ConfigError', message: sentence }))
  })

  test('what is built when nothing is said, and what is asked for', () => {
    expect(resolve({}, numbers).ensembles).toEqual(['greedy', 'best-single', 'simple-average', 'weighted-average'])
    expect(resolve({}).ensembles).toEqual([...resolve({}, numbers).ensembles, 'majority-vote', 'weighted-vote'])
    expect(resolve({ ensembles: ['stacking'], epochs: 12, stacking: { folds: 3 } })).toMatchObject({
      ensembles: ['stacking'],
      average: 'logits',
      bagging: { share: 0.6 },
      stacking: { rows: 'validation', rate: 0.01, decay: 0, folds: 3 },
    })
  })

  test('a meta learner takes as many steps as a student, on validation rows too, unless told', () => {
    // 200 training rows are four batches, 50 validation rows one.
    const epochs = (stacking: TrainConfig['stacking']) =>
      resolve({ ensembles: ['stacking'], epochs: 12, stacking }).stacking.epochs
    expect(epochs({})).toBe(48)
    expect(epochs({ rows: 'train' })).toBe(12)
    expect(epochs({ rows: 'out-of-fold' })).toBe(12)
    expect(epochs({ epochs: 7 })).toBe(7)
    expect(resolveConfig({ epochs: 12 }, { ...shapeOf(40, 5), validation: 900 }).stacking.epochs).toBe(12)
  })
})
