import type { SyntheticSpec } from './synthetic.ts'

/**
 * The demo's data: in the manner of the paper's setting 1.2, without interactions and at a size that trains in seconds. Three
 * quarters of the outcome hang on imaging, mostly through squares, and the rest on the clinical scores, so a single modality
 * cannot do and one network over both has too much noise to look through.
 */
export const DEMO: SyntheticSpec = {
  rows: 1200,
  modalities: [
    { name: 'imaging', features: 300, latents: 8, noise: 0.3, transform: 'quadratic', share: 1 },
    { name: 'clinical', features: 80, latents: 8, noise: 0.1, transform: 'linear', share: 1 },
  ],
  shared: { latents: 0, transform: 'linear', share: 0 },
}

export const DEMO_TITLE = 'Synthetic subjects: imaging and clinical scores with one outcome'
