// A reader of protocol buffers, written apart from the writer in src/: wire types 0 and 2, which are all it writes.

const text = (bytes: Uint8Array): string => new TextDecoder('utf-8', { fatal: true }).decode(bytes)

/** What stands in a message under each number of a field, in its order. */
export class Fields {
  readonly #fields: [field: number, value: bigint | Uint8Array][] = []

  constructor(bytes: Uint8Array) {
    let at = 0
    const varint = (): bigint => {
      let value = 0n
      for (let shift = 0n; ; shift += 7n) {
        if (at >= bytes.length) throw new Error('a varint has no end')
        const byte = bytes[at++]
        value |= BigInt(byte & 0x7f) << shift
        if (byte < 0x80) return value
      }
    }
    while (at < bytes.length) {
      const tag = Number(varint())
      const value = varint()
      if ((tag & 7) === 0) this.#fields.push([tag >> 3, value])
      else if ((tag & 7) === 2) {
        const end = at + Number(value)
        if (end > bytes.length) throw new Error('a field has no end')
        this.#fields.push([tag >> 3, bytes.subarray(at, end)])
        at = end
      } else throw new Error(`wire type ${tag & 7}`)
    }
  }

  /** The numbers of the fields, in their order. */
  get order(): number[] {
    return this.#fields.map(([field]) => field)
  }

  numbers(field: number): number[] {
    return this.#all(field).map((value) => Number(value as bigint))
  }

  bytes(field: number): Uint8Array[] {
    return this.#all(field).map((value) => value as Uint8Array)
  }

  texts = (field: number): string[] => this.bytes(field).map(text)
  messages = (field: number): Fields[] => this.bytes(field).map((bytes) => new Fields(bytes))

  #all(field: number): (bigint | Uint8Array)[] {
    return this.#fields.filter(([own]) => own === field).map(([, value]) => value)
  }
}
