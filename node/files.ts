import { randomBytes } from 'node:crypto'
import {
  accessSync,
  closeSync,
  constants,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { DataError, FormatError } from '../src/core/errors.ts'

/**
 * The bytes of a file.
 * @param name what to call the file in an error
 * @throws DataError naming the file and why it cannot be read
 */
export function readBytes(path: string, name = path): Uint8Array<ArrayBuffer> {
  try {
    return new Uint8Array(readFileSync(path))
  } catch (error) {
    throw notRead(name, error)
  }
}

/** What to say of a file that the host does not give. */
export const notRead = (name: string, error: unknown): DataError => new DataError(`"${name}" cannot be read: ${reasonOf(error)}`)

/**
 * The text of a UTF-8 file, without its byte order mark.
 * @throws DataError when it cannot be read; FormatError naming the line that is not UTF-8
 */
export function readText(path: string, name = path): string {
  const bytes = readBytes(path, name)
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (error) {
    if (codeOf(error) !== 'ERR_ENCODING_INVALID_ENCODED_DATA') throw notRead(name, error)
  }
  const before = new TextDecoder().decode(bytes).split('\ufffd', 1)[0]
  throw new FormatError(`${name} line ${lineAt(before, before.length)} is not UTF-8: save the file as UTF-8`)
}

/** The first bytes of a file as text, or nothing if it cannot be read. */
export function beginningOf(path: string, bytes: number): string {
  try {
    const file = openSync(path, 'r')
    try {
      const buffer = new Uint8Array(bytes)
      return new TextDecoder().decode(buffer.subarray(0, readSync(file, buffer)))
    } finally {
      closeSync(file)
    }
  } catch {
    return ''
  }
}

/** The line, from 1, that a place in a text is on. */
export function lineAt(text: string, index: number): number {
  let line = 1
  for (let i = text.indexOf('\n'); i >= 0 && i < index; i = text.indexOf('\n', i + 1)) line++
  return line
}

/**
 * Writes a file whole or not at all: under another name in the same folder first, renamed when all of it is on the disk.
 * Folders are not created. What is no regular file (a pipe, a terminal) is written to as it is.
 * @throws DataError naming the file and why it cannot be written; nothing is left behind then
 */
export function writeFileSafely(path: string, data: Uint8Array | string): void {
  const file = openSafely(path)
  try {
    file.write(data)
    file.keep()
  } finally {
    file.drop()
  }
}

/** A file that is written piece by piece, whole or not at all as `writeFileSafely` does it. */
export interface SafeFile {
  /** @throws DataError */
  write(data: Uint8Array | string): void
  /** All is written: gives the file its name. @throws DataError */
  keep(): void
  /** Leaves nothing behind; does nothing to a file that is kept. */
  drop(): void
}

/** @throws DataError naming the file and why it cannot be written */
export function openSafely(path: string): SafeFile {
  const told = <T>(work: () => T): T => {
    try {
      return work()
    } catch (error) {
      throw notWritten(path, error)
    }
  }
  const { file, target, temporary } = told(() => {
    const there = statSync(path, { throwIfNoEntry: false })
    if (there?.isDirectory()) throw new DataError('it is a folder')
    if (there && !there.isFile()) return { file: openSync(path, 'w') }
    const target = there ? realpathSync(path) : path
    const temporary = join(dirname(target), `.metafusion-${randomBytes(6).toString('hex')}.tmp`)
    return { file: openSync(temporary, 'wx', there ? there.mode & 0o777 : 0o666), target, temporary }
  })
  let open = true
  let kept = false
  const close = () => {
    if (open) closeSync(file)
    open = false
  }
  return {
    write: (data) => told(() => writeFileSync(file, data)),
    keep: () =>
      told(() => {
        if (temporary !== undefined) fsyncSync(file)
        close()
        if (temporary !== undefined) renameSync(temporary, target)
        kept = true
      }),
    drop() {
      close()
      if (temporary !== undefined && !kept) rmSync(temporary, { force: true })
    },
  }
}

/** Whether a file could be put there, asked before the work whose result it is to hold. @throws DataError */
export function checkFolderOf(path: string): void {
  try {
    const there = statSync(path, { throwIfNoEntry: false })
    if (there?.isDirectory()) throw new DataError('it is a folder')
    if (there) accessSync(path, constants.W_OK)
    if (there && !there.isFile()) return
    const folder = dirname(there ? realpathSync(path) : path)
    if (!statSync(folder).isDirectory()) throw new DataError('its folder is a file')
    accessSync(folder, constants.W_OK | constants.X_OK)
  } catch (error) {
    throw notWritten(path, error)
  }
}

/** Makes a folder, and those it lies in. @throws DataError when a file is in its place or the host refuses */
export function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true })
  } catch (error) {
    const taken = ['EEXIST', 'ENOTDIR'].includes(codeOf(error))
    throw new DataError(`"${folder}" cannot be created: ${taken ? 'a file has that name' : (error as Error).message}`)
  }
}

function notWritten(path: string, error: unknown): DataError {
  const missing = codeOf(error) === 'ENOENT' && `there is no folder "${dirname(path)}", create it first`
  return new DataError(`"${path}" cannot be written: ${missing || reasonOf(error)}`)
}

const REASONS: Record<string, string> = {
  ENOENT: 'there is no such file',
  ENOTDIR: 'its folder is a file',
  EISDIR: 'it is a folder',
  EACCES: 'permission is denied',
  EPERM: 'permission is denied',
  EROFS: 'the disk is read-only',
  ENOSPC: 'the disk is full',
  ENAMETOOLONG: 'its name is too long',
  ERR_FS_FILE_TOO_LARGE: 'it is larger than 2 GiB',
  ERR_STRING_TOO_LONG: 'it is larger than 512 MiB',
}

const codeOf = (error: unknown): string => (error instanceof Error && 'code' in error ? String(error.code) : '')

const reasonOf = (error: unknown): string => REASONS[codeOf(error)] ?? (error instanceof Error ? error.message : String(error))
