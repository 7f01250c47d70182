import { createEdge } from 'metafusion/edge'
import model from '../model.safetensors'

interface Env {
  readonly TOKEN?: string
  /** With commas between. */
  readonly ORIGINS?: string
}

export default createEdge<Env>({
  model,
  service: ({ TOKEN, ORIGINS }) => ({
    token: TOKEN || undefined,
    origins: ORIGINS ? ORIGINS.split(',') : [],
    log: (facts) => console.log(JSON.stringify(facts)),
  }),
})
