export function bundled(entry: string, external?: string[]): Promise<Buffer>
export function brotli(bytes: Uint8Array): number
