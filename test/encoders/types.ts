// Compiled, never run: models and sessions of the libraries are what the encoders take.

import type { GraphModel } from '@tensorflow/tfjs-converter'
import type { LayersModel } from '@tensorflow/tfjs-layers'
import type { InferenceSession } from 'onnxruntime-web'
import { onnxEncoder } from '../../web/encoders/onnx.ts'
import { tfjsEncoder } from '../../web/encoders/tfjs.ts'

export const encoders = (layers: LayersModel, graph: GraphModel, session: InferenceSession) => [
  tfjsEncoder({ name: 'layers', model: layers }),
  tfjsEncoder({ name: 'graph', model: async () => graph }),
  onnxEncoder({ name: 'session', model: session }),
]
