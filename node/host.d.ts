// Compiling is the host's part: src/ only ever sees a compiled module.

declare namespace WebAssembly {
  const Module: { new (bytes: Uint8Array): Module }
  function validate(bytes: Uint8Array): boolean
}
