/** Ctrl-C as an AbortSignal, until closed. A second one ends the process at once. @param left what is left then, in words */
export function interrupts(left: string): { signal: AbortSignal; close(): void } {
  const controller = new AbortController()
  const stop = () => {
    if (controller.signal.aborted) process.exit(130)
    controller.abort(new DOMException(left, 'AbortError'))
  }
  process.on('SIGINT', stop)
  process.on('SIGTERM', stop)
  return {
    signal: controller.signal,
    close() {
      process.off('SIGINT', stop)
      process.off('SIGTERM', stop)
    },
  }
}
