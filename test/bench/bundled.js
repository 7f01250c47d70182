// A door of the library as an application ships it: one minified file, without the kernels.

import { brotliCompressSync, constants } from 'node:zlib'
import { rolldown } from 'rolldown'

/** The code of a module and of all that it loads. @param {string} entry @param {string[]} [external] packages left out */
export async function bundled(entry, external = []) {
  const bundle = await rolldown({ input: entry, external: [/^node:/, ...external], logLevel: 'silent' })
  const { output } = await bundle.generate({ format: 'esm', minify: true, codeSplitting: false })
  await bundle.close()
  return Buffer.from(output[0].code)
}

/** Bytes as a careful server sends them. @param {Uint8Array} bytes */
export const brotli = (bytes) => brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }).length
