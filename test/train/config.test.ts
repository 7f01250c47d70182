import { describe, expect, test } from 'vitest'
import { extractorName } from '../../src/fusion/extractor.ts'
import { checkConfig, resolveConfig, type Shape, type TrainConfig } from '../../src/train/config.ts'

/** A data set of one modality per number of features, all rows complete. */
const shapeOf = (rows: number, ...features: number[]): Shape => ({
  modalities: features.map((count, m) => ({ name: `m${m + 1}`, features: count })),
  rows,
  rowsOf: features.map(() => rows),
})
const resolve = (config: TrainConfig, shape = shapeOf(200, 20, 5)) => resolveConfig(checkConfig(config), shape)
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
      'the configuration has no setting "Rho": there are seed, extractors, encoders, budget, head, activation, rho, epochs, batch, ' +
        'optimizer, warmStart, teaching, greedy, standardizeTarget, pcaRows, unitPca, validation, test, baselines',
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
    [{ rho: 3 }, 'rho is 3: allowed is a list'],
    [{ rho: [] }, 'rho is []: allowed is at least one number from 0 on'],
    [{ rho: [0, -1] }, 'rho[1] is -1: allowed is a number from 0 to 1000'],
    [{ rho: [Number.POSITIVE_INFINITY] }, 'rho[0] is Infinity: allowed is a number from 0 to 1000'],
    [{ rho: [null] }, 'rho[0] is null: allowed is a number from 0 to 1000'],
    [{ rho: [0, 2, 0.5, 2] }, 'rho is [0,2,0.5,2]: allowed is each number once, and 2 is there again'],
    [{ epochs: 0 }, `epochs is 0: allowed is ${WHOLE} 1 to 100000`],
    [{ batch: 0 }, `batch is 0: allowed is ${WHOLE} 1 to 65536`],
    [{ activation: 'gelu' }, 'activation is "gelu": allowed is identity, relu, tanh, sigmoid'],
    [{ warmStart: 1 }, 'warmStart is 1: allowed is none, first, all, weights'],
    [{ standardizeTarget: 'no' }, 'standardizeTarget is "no": allowed is true, false'],
    [{ unitPca: 0 }, 'unitPca is 0: allowed is true, false'],
    [{ baselines: null }, 'baselines is null: allowed is true, false'],
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
    [{ greedy: { max: 3 } }, 'greedy has no setting "max": there are best, prune, most'],
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
    [
      { extractors: { '*': ['pca(9)'] }, pcaRows: 'train+validation' },
      { ...shapeOf(5, 20), pcaRowsOf: [9] },
      'extractors.m1 is "pca(9)": allowed is at most pca(8): there are 20 features and 9 training and validation rows that have them',
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
      validation: 0.001,
      test: 0.999,
    }
    expect(resolve(low)).toMatchObject({ budget: 1, head: [], rho: [0], epochs: 1, batch: 1, greedy: low.greedy })
    expect(resolve(low).optimizer).toEqual({ ...low.optimizer, kind: 'adamw' })
    const high: TrainConfig = { seed: 2 ** 32 - 1, budget: 4096, head: [65536], rho: [1000], epochs: 100_000, batch: 65536 }
    expect(resolve(high)).toMatchObject(high)
  })

  test('everything that is set, and the defaults beside it', () => {
    expect(resolve({ optimizer: { kind: 'sgd', momentum: 0.5 } }).optimizer).toMatchObject({
      kind: 'sgd',
      momentum: 0.5,
      rate: 1e-3,
    })
    expect(resolve({ greedy: { prune: 0 } }).greedy).toEqual({ best: 3, prune: 0, most: 30 })
    expect(resolve({ warmStart: 'first', standardizeTarget: false, unitPca: false, baselines: false })).toMatchObject({
      warmStart: 'first',
      standardizeTarget: false,
      unitPca: false,
      baselines: false,
    })
  })

  test('a setting that is undefined is not set', () => {
    const nothing = Object.fromEntries(Object.keys(resolve({})).map((key) => [key, undefined])) as TrainConfig
    expect(resolve(nothing)).toEqual(resolve({}))
    const inside: TrainConfig = {
      optimizer: { rate: undefined, kind: undefined, decay: undefined },
      greedy: { best: undefined, prune: undefined, most: undefined },
      extractors: { m1: undefined as unknown as string[] },
    }
    expect(resolve(inside)).toEqual(resolve({}))
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
      { ...deepest[0], epochs: 7, rate: 0.01, decay: 3 },
      { ...deepest[1], epochs: 2, rate: 0.01, decay: 0.5 },
    ])
    const optimizer = { kind: 'adam', rate: 0.5 } as const
    expect(courses({ epochs: 12, optimizer })).toEqual(deepest.map((e) => ({ ...e, epochs: 12, rate: 1e-3, decay: 0 })))
    expect(resolve({}).encoders).toEqual([])
  })

  test('greedy starts with no more than it may have', () => {
    expect(resolve({ greedy: { most: 2 } }).greedy).toEqual({ best: 2, prune: 0.2, most: 2 })
  })
})

describe('defaults by the shape of the data', () => {
  test('the settings of the paper where it has them', () => {
    expect(resolve({})).toMatchObject({
      seed: 0,
      budget: 64,
      head: [64, 32],
      activation: 'relu',
      rho: [0, 0.99, 3],
      warmStart: 'none',
      greedy: { best: 3, prune: 0.2, most: 30 },
      standardizeTarget: true,
      pcaRows: 'train',
      unitPca: true,
      baselines: true,
    })
  })

  test.each([
    [20, 32, 100],
    [149, 32, 100],
    [150, 64, 100],
    [640, 64, 60],
    [1280, 64, 30],
    [5000, 64, 10],
  ])('%d training rows: batches of %d, %d epochs', (rows, batch, epochs) => {
    expect(resolve({}, shapeOf(rows, 5))).toMatchObject({ batch, epochs })
  })

  test('fewer rows are decayed more, by AdamW alone', () => {
    const decay = (rows: number, optimizer?: TrainConfig['optimizer']) => resolve({ optimizer }, shapeOf(rows, 5)).optimizer.decay
    expect([50, 200, 600, 2000, 10_000].map((rows) => decay(rows))).toEqual([3, 3, 1, 0.3, 0.1])
    expect(decay(50, { kind: 'adamw' })).toBe(3)
    // Of these it would be a term of the gradient: 3 w against slopes of a hundredth leaves nothing of a weight.
    expect(decay(50, { kind: 'adam' })).toBe(0)
    expect(decay(50, { kind: 'sgd' })).toBe(0)
    expect(decay(50, { kind: 'adam', decay: 0.5 })).toBe(0.5)
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
