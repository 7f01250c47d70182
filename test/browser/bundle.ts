// What a page of a test runs: one file made of TypeScript and packages, as a user's bundler would.

import { rolldown } from 'rolldown'

/** The files of a bundle by name, the entry as `page.js`. Host-neutral packages resolve as in a browser. */
export async function bundlePage(entry: string): Promise<Record<string, string>> {
  const bundle = await rolldown({ input: { page: entry }, platform: 'browser', logLevel: 'silent' })
  try {
    const { output } = await bundle.generate({ format: 'esm', entryFileNames: '[name].js' })
    return Object.fromEntries(
      output.map((file) => [`/${file.fileName}`, file.type === 'chunk' ? file.code : String(file.source)]),
    )
  } finally {
    await bundle.close()
  }
}

/** A page that runs it. */
export const PAGE = '<!doctype html><meta charset="utf-8"><title>test</title><script type="module" src="/page.js"></script>'
