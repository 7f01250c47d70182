// The only host features that src/ may use, with webassembly.d.ts. Anything else (fetch, process, document, Worker, a clock)
// is a compile error.

declare class TextEncoder {
  encode(text: string): Uint8Array<ArrayBuffer>
}

declare class TextDecoder {
  constructor(label?: string, options?: { fatal?: boolean })
  decode(bytes: Uint8Array): string
}
