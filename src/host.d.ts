// The only host features that src/ may use. Anything else (fetch, process, document, Worker, a clock) is a compile error.

declare namespace WebAssembly {
  interface Module {
    readonly [Symbol.toStringTag]?: string
  }
  interface Memory {
    readonly buffer: ArrayBuffer
    grow(pages: number): number
  }
  interface Instance {
    readonly exports: unknown
  }
  const Memory: { new (descriptor: { initial: number; maximum: number }): Memory }
  const Instance: { new (module: Module, imports: { env: { memory: Memory } }): Instance }
}

declare class TextEncoder {
  encode(text: string): Uint8Array<ArrayBuffer>
}

declare class TextDecoder {
  constructor(label?: string, options?: { fatal?: boolean })
  decode(bytes: Uint8Array): string
}
