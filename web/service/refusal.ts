// What a request is refused with. The sentence goes to whoever asked; of the rest of an error nothing leaves the house.

/** Where in the request something is wrong; rows count from 0. */
export interface Place {
  readonly row?: number
  readonly modality?: string
  readonly feature?: string
}

export class Refusal extends Error {
  readonly status: number
  readonly place: Place
  readonly headers: Readonly<Record<string, string>>

  constructor(status: number, name: string, message: string, place: Place = {}, headers: Readonly<Record<string, string>> = {}) {
    super(message)
    this.name = name
    this.status = status
    this.place = place
    this.headers = headers
  }
}

/** A body that cannot be read. */
export const malformed = (message: string): Refusal => new Refusal(400, 'FormatError', message)

/** A body that can be read and not predicted. */
export const unfit = (message: string, place?: Place): Refusal => new Refusal(422, 'DataError', message, place)

/** More than the service takes. */
export const tooMuch = (message: string): Refusal => new Refusal(413, 'LimitError', message)

/** What an error is to whoever asked. Only errors that this library words say what happened. */
export function refusalOf(error: unknown): Refusal {
  if (error instanceof Refusal) return error
  const { name, message } = error instanceof Error ? error : new Error()
  if (name === 'DataError' || name === 'ConfigError') return new Refusal(422, name, message)
  if (name === 'MemoryError')
    return new Refusal(503, name, 'there is no memory for so many rows now: send fewer, or send them later')
  return new Refusal(500, 'ServerError', 'the service failed at this request: tell its operator the request id')
}

/** What a value is, in words; never more than a line of it. */
export function shown(value: unknown): string {
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object' && value !== null) return 'an object'
  const text = typeof value === 'string' ? JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value) : String(value)
  return text
}

/** Names in quotes, the first few of many: `"a", "b" and 7 more`. */
export function listed(names: readonly string[], most = 5): string {
  const some = names.slice(0, most).map((name) => shown(name))
  return names.length > most ? `${some.join(', ')} and ${names.length - most} more` : some.join(', ')
}
