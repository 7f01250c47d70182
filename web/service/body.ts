import { malformed, Refusal, tooMuch } from './refusal.ts'

/**
 * The bytes of a request. One that says that it is too long is not read, one that does not say is read until it is.
 * @throws Refusal
 */
export async function bytesOf(request: Request, most: number): Promise<Uint8Array> {
  const said = request.headers.get('content-length')
  if (said !== null && !(Number(said) <= most)) throw tooLong(most)
  if (!request.body) return new Uint8Array(0)
  const reader = request.body.getReader()
  const chunks: Uint8Array[] = []
  let length = 0
  for (;;) {
    const { done, value } = await reader.read().catch(() => {
      throw malformed('the body broke off: send it again')
    })
    if (done) break
    length += value.length
    if (length > most) {
      await reader.cancel().catch(() => {})
      throw tooLong(most)
    }
    chunks.push(value)
  }
  const bytes = new Uint8Array(length)
  let at = 0
  for (const chunk of chunks) {
    bytes.set(chunk, at)
    at += chunk.length
  }
  return bytes
}

const tooLong = (most: number) => tooMuch(`the body is longer than ${most} bytes: send fewer rows at once`)

/** The media type of a body, without parameters. @throws Refusal unless it is one of those taken, in UTF-8 and not compressed */
export function mediaOf({ headers }: Request, taken: readonly string[]): string {
  const [media, ...parameters] = (headers.get('content-type') ?? '').split(';').map((part) => part.trim().toLowerCase())
  const foreign = parameters.find((part) => part.startsWith('charset=') && !/^charset="?utf-?8"?$/.test(part))
  const packed = headers.get('content-encoding') ?? 'identity'
  if (taken.includes(media) && !foreign && packed === 'identity') return media
  const sentence = `the body's type is not one of ${taken.join(', ')} in UTF-8, not compressed: send one of those, and name it`
  throw new Refusal(415, 'MediaError', sentence, {}, { accept: taken.join(', ') })
}
