import { malformed } from './refusal.ts'

/** @throws Refusal for bytes that are no UTF-8 */
export function textOf(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw malformed('the body is no UTF-8: send it in that encoding')
  }
}
