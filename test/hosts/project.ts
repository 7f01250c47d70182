// A fresh project that has the package as a user gets it: packed, and installed from the tarball.

import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

/** The repository's folder. */
export const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const HOSTS = fileURLToPath(new URL('./', import.meta.url))

/** A program of test/hosts/node_modules. */
export function program(name: string): string {
  const path = join(HOSTS, 'node_modules/.bin', name)
  if (!existsSync(path)) throw new Error(`there is no "${name}" in test/hosts: npm run test:hosts`)
  return path
}

/** Runs a program to its end and gives back what it printed. @throws with all of it, if it fails */
export async function run(file: string, args: readonly string[], cwd: string, env: Record<string, string> = {}): Promise<string> {
  try {
    const options = { cwd, env: { ...process.env, NO_COLOR: '1', ...env }, maxBuffer: 2 ** 26, timeout: 240_000 }
    return (await promisify(execFile)(file, [...args], options)).stdout
  } catch (error) {
    const { message, stdout, stderr } = error as Error & { stdout?: string; stderr?: string }
    throw new Error(`${file} ${args.join(' ')}\n${message}\n${stdout}\n${stderr}`)
  }
}

const npm = (args: readonly string[], cwd: string) =>
  run('npm', [...args, '--no-audit', '--no-fund', '--loglevel=error'], cwd, { ONNXRUNTIME_NODE_INSTALL: 'skip' })

/** The package as a tarball in a folder of its own. */
export async function packed(): Promise<{ folder: string; tarball: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'metafusion-packed-'))
  await npm(['pack', '--ignore-scripts', '--pack-destination', folder], ROOT)
  return { folder, tarball: join(folder, readdirSync(folder).filter((name) => name.endsWith('.tgz'))[0]) }
}

export interface Project {
  readonly folder: string
  /** Puts a file there and gives back its path. */
  file(name: string, text: string): string
  remove(): void
}

/** A project with the package and nothing else. @param more packages beside it, `name@version` */
export async function project(more: readonly string[] = []): Promise<Project> {
  const { folder: from, tarball } = await packed()
  const folder = mkdtempSync(join(tmpdir(), 'metafusion-project-'))
  const file = (name: string, text: string) => {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), text)
    return join(folder, name)
  }
  file('package.json', JSON.stringify({ name: 'fresh', private: true, type: 'module' }))
  await npm(['install', '--prefer-offline', '--save-exact', tarball, ...more], folder)
  rmSync(from, { recursive: true })
  return { folder, file, remove: () => rmSync(folder, { recursive: true, force: true }) }
}
