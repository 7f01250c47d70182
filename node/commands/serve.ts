import { defineCommand } from 'citty'
import { readModel } from '../../src/formats/model-file.ts'
import { checkNumerics, NOT_FAST } from '../../src/wasm/shelf.ts'
import { createAssessor, createPredictor, hasRelaxedSimd, init } from '../../web/infer.ts'
import { readText } from '../files.ts'
import { readModelFile } from '../model.ts'
import { UsageError, wholeNumber } from '../usage.ts'

export const serveCommand = defineCommand({
  meta: { name: 'serve', description: 'Predict over HTTP, until SIGTERM or Ctrl-C' },
  args: {
    model: { type: 'positional', required: true, description: 'Model file' },
    port: { type: 'string', valueHint: 'port', description: 'Port to listen on; 0 for any that is free (8080)' },
    host: { type: 'string', valueHint: 'host', description: 'Address to listen on (127.0.0.1)' },
    'token-file': {
      type: 'string',
      valueHint: 'file',
      description: 'File of the token that requests must carry; or METAFUSION_TOKEN in the environment',
    },
    origins: { type: 'string', valueHint: 'origins', description: 'Origins of pages that may ask, with commas between' },
    arrow: {
      type: 'boolean',
      description: 'Take Arrow, too: from those you trust, as a body made to hurt can keep the process busy',
    },
    numerics: {
      type: 'string',
      valueHint: 'exact|fast',
      description: 'fast: relaxed SIMD, where last digits depend on the processor (exact)',
    },
  },
  async run({ args }) {
    const numerics = checkNumerics(args.numerics ?? 'exact')
    await init({ numerics })
    const port = wholeNumber('--port', args.port ?? '8080', 65535)
    const token = tokenOf(args['token-file'])
    const origins = args.origins?.split(',').map((origin) => origin.trim())
    const model = readModelFile(args.model, readModel)
    const { serve } = await import('../serve.ts')
    const serving = await serve({
      model,
      predictor: (rule) => createPredictor(model, rule, numerics),
      assessor: () => createAssessor(model, numerics),
      token,
      origins,
      arrow: args.arrow,
      log: (facts) => console.error(JSON.stringify({ time: new Date().toISOString(), ...facts })),
      host: args.host ?? '127.0.0.1',
      port,
    })
    if (numerics === 'fast' && !hasRelaxedSimd()) console.error(NOT_FAST)
    console.log(`${args.model} at ${serving.url}`)
    await asked()
    await serving.stop()
  },
})

/** Waits until the process is asked to end. Asked again, it does so at once. */
function asked(): Promise<void> {
  return new Promise((resolve) => {
    let before = false
    const stop = () => {
      if (before) process.exit(130)
      before = true
      resolve()
    }
    process.on('SIGINT', stop)
    process.on('SIGTERM', stop)
  })
}

function tokenOf(file: string | undefined): string | undefined {
  const token = file === undefined ? process.env.METAFUSION_TOKEN : readText(file).trim()
  if (token === '') throw new UsageError(`${file ?? 'METAFUSION_TOKEN'} holds no token: write one there, or do not name it`)
  return token
}
