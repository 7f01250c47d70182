// What src/ uses of WebAssembly; hosts whose own types lack it include this file too.

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
  const Module: { exports(module: Module): { readonly name: string }[] }
  const Memory: { new (descriptor: { initial: number; maximum: number }): Memory }
  const Instance: { new (module: Module, imports: { env: { memory: Memory } }): Instance }
}
