// The contract: a small cohort, trained, written and asked on whatever host runs this. All hosts must come to the same hashes.

const ROWS = 120

/** Numbers from -1 to 1 by exact operations. @param {number} seed */
function numbersFrom(seed) {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 31 - 1
  }
}

/**
 * Three views of made-up subjects, some of which lack one.
 * @param {typeof import('metafusion')} library
 * @param {'classification' | 'regression'} task
 */
function study({ modality }, task) {
  const next = numbersFrom(7)
  const scan = Float64Array.from({ length: ROWS * 9 }, next)
  // Skewed, so that it is straightened.
  const lab = Float64Array.from({ length: ROWS * 3 }, next).map((v, i) => (i % 31 === 0 ? Number.NaN : 100 * v * v * v * v))
  const age = Float64Array.from({ length: ROWS }, () => 50 + 30 * next())
  const codes = Int32Array.from({ length: ROWS }, (_, row) => row % 3)
  const score = Array.from({ length: ROWS }, (_, row) => 2 * scan[9 * row] - scan[9 * row + 4] + age[row] / 40 + codes[row] / 2)
  const here = (/** @type {number} */ m) => Uint8Array.from({ length: ROWS }, (_, row) => ((row + m) % 5 === 0 ? 0 : 1))
  const visit = modality('visit', age, ['age'])
  const site = { kind: /** @type {const} */ ('category'), name: 'site', codes, levels: ['north', 'south', 'west'] }
  return {
    ids: Array.from({ length: ROWS }, (_, row) => `s${row}`),
    modalities: [
      modality('scan', scan, 9, here(0)),
      { ...visit, columns: [...visit.columns, site] },
      modality('lab', lab, ['tau', 'p-tau', 'abeta'], here(1)),
    ],
    target:
      task === 'regression'
        ? { task, outputs: ['score'], values: Float64Array.from(score) }
        : { task, classes: ['low', 'high'], labels: Int32Array.from(score, (v) => (v > 1.7 ? 1 : 0)) },
  }
}

/** Every part that computes: skewed features, PCA, encoders, solved students, dropout, clipping, ensembles, sharing by the best cluster. */
const CONFIG = {
  seed: 5,
  head: [12, 6],
  epochs: 5,
  batch: 16,
  rho: [0, 0.5, 2],
  extractors: { scan: ['skip', 'raw', 'pca(3)', 'mlp(5,3)'], '*': ['skip', 'raw'] },
  optimizer: { kind: 'adamw', rate: 0.01, decay: 0.01, clip: 1 },
  dropout: 0.1,
  ensembles: ['greedy', 'simple-average', 'weighted-average', 'stacking'],
}

/**
 * SHA-256 of all weights, of the model files and of the predictions.
 * @param {any} library what `metafusion` exports on this host
 * @param {{ train?: Function, options?: object }} [by] who trains, and with what options; the library's own when left out
 */
export async function contract(library, { train = library.train, options = {} } = {}) {
  const { createPredictor, readModel, writeModel } = library
  const weights = []
  const files = []
  const predictions = []
  for (const task of /** @type {const} */ (['classification', 'regression'])) {
    const data = study(library, task)
    const { model } = await train(data, { config: CONFIG, ...options })
    for (const { block } of model.students) weights.push(block)
    const file = writeModel({ ...model, provenance: { ...model.provenance, library: 'contract' } })
    files.push(file)
    const predictor = createPredictor(readModel(file))
    predictions.push(predictor.predict(data).values)
    const alone = data.ids.map((_, row) => predictor.predict({ ...data, modalities: data.modalities.slice(0, 1) }, [row]).values)
    predictions.push(...alone)
  }
  return { weights: await sha256(weights), file: await sha256(files), predictions: await sha256(predictions) }
}

/** @param {ArrayBufferView[]} parts */
async function sha256(parts) {
  const all = new Uint8Array(parts.reduce((sum, { byteLength }) => sum + byteLength, 0))
  let at = 0
  for (const { buffer, byteOffset, byteLength } of parts) {
    all.set(new Uint8Array(buffer, byteOffset, byteLength), at)
    at += byteLength
  }
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', all))
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('')
}
