// The last step of the build: kernels beside the code that reads them, a command that can be run, and in this checkout a link
// to it, so that npx finds it without installing anything.

import { chmodSync, cpSync, existsSync, mkdirSync, rmSync, symlinkSync } from 'node:fs'

cpSync('build', 'dist/build', { recursive: true })
chmodSync('dist/node/cli.js', 0o755)
if (existsSync('node_modules') && process.platform !== 'win32') {
  mkdirSync('node_modules/.bin', { recursive: true })
  rmSync('node_modules/.bin/metafusion', { force: true })
  symlinkSync('../../dist/node/cli.js', 'node_modules/.bin/metafusion')
}
