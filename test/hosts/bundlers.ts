// Each bundler as it comes: an entry in, a folder with a page out. No plugin, loader or setting is there for the package's sake.

import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { program, run } from './project.ts'

const PAGE = (script: string) =>
  `<!doctype html><meta charset="utf-8"><title>app</title><script type="module" src="${script}"></script>`

export interface Bundler {
  readonly name: string
  /**
   * Builds `entry` of a project into a folder, page included. Those who do not look for workers build `worker.js` beside it, whose one
   * line imports the package's.
   */
  build(project: string, entry: string, out: string): Promise<void>
}

const page = (out: string, script = './app.js') => {
  mkdirSync(out, { recursive: true })
  writeFileSync(join(out, 'index.html'), PAGE(script))
}

export const BUNDLERS: readonly Bundler[] = [
  {
    name: 'esbuild',
    async build(project, entry, out) {
      await run(program('esbuild'), [entry, 'worker.js', '--bundle', '--format=esm', `--outdir=${out}`], project)
      page(out, `./${entry}`)
    },
  },
  {
    name: 'esbuild, split and minified',
    async build(project, entry, out) {
      await run(
        program('esbuild'),
        [entry, 'worker.js', '--bundle', '--splitting', '--minify', '--format=esm', `--outdir=${out}`],
        project,
      )
      page(out, `./${entry}`)
    },
  },
  {
    name: 'Rollup',
    async build(project, entry, out) {
      const { rollup } = await import('rollup')
      const { nodeResolve } = await import('@rollup/plugin-node-resolve')
      const bundle = await rollup({
        input: { app: join(project, entry), worker: join(project, 'worker.js') },
        plugins: [nodeResolve({ browser: true })],
      })
      await bundle.write({ dir: out, format: 'esm', entryFileNames: '[name].js' })
      await bundle.close()
      page(out)
    },
  },
  {
    name: 'Vite build',
    async build(project, entry, out) {
      const { build } = await import('vite')
      writeFileSync(join(project, 'index.html'), PAGE(`./${entry}`))
      await build({ root: project, logLevel: 'error', configFile: false, build: { outDir: out, emptyOutDir: true } })
    },
  },
  {
    name: 'webpack 5',
    async build(project, entry, out) {
      const { default: webpack } = await import('webpack')
      await packedBy(webpack as unknown as Packer, project, entry, out)
    },
  },
  {
    name: 'Rspack',
    async build(project, entry, out) {
      const { rspack } = await import('@rspack/core')
      await packedBy(rspack as unknown as Packer, project, entry, out)
    },
  },
  {
    name: 'Parcel',
    async build(project, entry, out) {
      writeFileSync(join(project, 'index.html'), PAGE(`./${entry}`))
      const options = ['--dist-dir', out, '--no-cache', '--log-level', 'error', '--public-url', './']
      await run(program('parcel'), ['build', 'index.html', ...options], project)
    },
  },
]

type Packer = (options: object, done: (error: Error | null, stats?: { hasErrors(): boolean; toString(): string }) => void) => void

function packedBy(packer: Packer, project: string, entry: string, out: string): Promise<void> {
  const options = { mode: 'production', context: project, entry: `./${entry}`, output: { path: out, filename: 'app.js' } }
  page(out)
  return new Promise((done, failed) =>
    packer(options, (error, stats) => {
      if (error) failed(error)
      else if (stats?.hasErrors()) failed(new Error(stats.toString()))
      else done()
    }),
  )
}
