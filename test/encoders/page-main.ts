import { type Said, work } from './page.ts'

interface Window {
  readonly crossOriginIsolated: boolean
  fetch(url: string): Promise<{ arrayBuffer(): Promise<ArrayBuffer> }>
  said?: Said | string
}
const page = globalThis as unknown as Window & {
  WebAssembly: { compileStreaming(response: unknown): Promise<WebAssembly.Module> }
}

page.WebAssembly.compileStreaming(page.fetch('/train.wasm'))
  .then((module) => work(module, { tfjs: '/tfjs/', ort: '/ort/' }))
  .then(
    (done) => {
      page.said = { isolated: page.crossOriginIsolated, ...done }
    },
    (error: Error) => {
      page.said = `${error.name}: ${error.message}`
    },
  )
