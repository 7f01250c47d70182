import * as fs from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import { checkFolderOf, readBytes, readText, writeFileSafely } from '../../node/files.ts'
import { DataError, FormatError } from '../../src/core/errors.ts'
import { folderOf } from './folder.ts'

vi.mock('node:fs', async (original) => {
  const real = await original<typeof fs>()
  return { ...real, accessSync: vi.fn(real.accessSync), renameSync: vi.fn(real.renameSync), fsyncSync: vi.fn(real.fsyncSync) }
})

const failing = (code: string) => () => {
  throw Object.assign(new Error(`${code}: as a test`), { code })
}

describe('writeFileSafely', () => {
  let folder = ''
  beforeEach(() => {
    folder = folderOf({ 'old.bin': 'old' })
  })

  test('writes text and bytes, and leaves no other file', () => {
    writeFileSafely(join(folder, 'a.txt'), 'grüße')
    writeFileSafely(join(folder, 'b.bin'), Uint8Array.of(0, 255, 13, 10))
    expect(fs.readFileSync(join(folder, 'a.txt'), 'utf8')).toBe('grüße')
    expect([...fs.readFileSync(join(folder, 'b.bin'))]).toEqual([0, 255, 13, 10])
    expect(fs.readdirSync(folder).sort()).toEqual(['a.txt', 'b.bin', 'old.bin'])
  })

  test('replaces a file and keeps its mode', () => {
    fs.chmodSync(join(folder, 'old.bin'), 0o600)
    writeFileSafely(join(folder, 'old.bin'), 'new')
    expect(fs.readFileSync(join(folder, 'old.bin'), 'utf8')).toBe('new')
    expect(fs.statSync(join(folder, 'old.bin')).mode & 0o777).toBe(0o600)
  })

  test('writes through a symbolic link', () => {
    fs.symlinkSync('old.bin', join(folder, 'link'))
    writeFileSafely(join(folder, 'link'), 'new')
    expect(fs.lstatSync(join(folder, 'link')).isSymbolicLink()).toBe(true)
    expect(fs.readFileSync(join(folder, 'old.bin'), 'utf8')).toBe('new')
  })

  test('a write or rename that fails keeps the old file and leaves nothing behind', () => {
    const path = join(folder, 'old.bin')
    vi.mocked(fs.fsyncSync).mockImplementationOnce(failing('ENOSPC'))
    expect(() => writeFileSafely(path, 'new')).toThrow(new DataError(`"${path}" cannot be written: the disk is full`))
    vi.mocked(fs.renameSync).mockImplementationOnce(failing('EPERM'))
    expect(() => writeFileSafely(path, 'new')).toThrow(new DataError(`"${path}" cannot be written: permission is denied`))
    expect(fs.readdirSync(folder)).toEqual(['old.bin'])
    expect(fs.readFileSync(path, 'utf8')).toBe('old')
  })

  test.each([
    ['missing/model.bin', 'there is no folder "DIR/missing", create it first'],
    ['.', 'it is a folder'],
    ['old.bin/model.bin', 'its folder is a file'],
    [`${'long'.repeat(100)}.bin`, 'its name is too long'],
  ])('refuses to write %s', (name, reason) => {
    const path = name === '.' ? folder : join(folder, name)
    expect(() => writeFileSafely(path, 'new')).toThrow(
      new DataError(`"${path}" cannot be written: ${reason.replace('DIR', folder)}`),
    )
    expect(fs.readdirSync(folder)).toEqual(['old.bin'])
  })

  test('what will fail for its folder can be known before', () => {
    expect(() => checkFolderOf(join(folder, 'new.bin'))).not.toThrow()
    expect(() => checkFolderOf(join(folder, 'missing/model.bin'))).toThrow(
      new DataError(`"${folder}/missing/model.bin" cannot be written: there is no folder "${folder}/missing", create it first`),
    )
    expect(() => checkFolderOf(folder)).toThrow(new DataError(`"${folder}" cannot be written: it is a folder`))
  })

  test('so can what will fail for a permission, of the folder or of a file that is there', () => {
    // Root may write everywhere, so the refusal is made up.
    for (const [name, denied] of [
      ['new.bin', folder],
      ['old.bin', join(folder, 'old.bin')],
    ]) {
      const path = join(folder, name)
      const real = vi.mocked(fs.accessSync).getMockImplementation()!
      vi.mocked(fs.accessSync).mockImplementation((asked, mode) => (asked === denied ? failing('EACCES')() : real(asked, mode)))
      expect(() => checkFolderOf(path)).toThrow(new DataError(`"${path}" cannot be written: permission is denied`))
      vi.mocked(fs.accessSync).mockImplementation(real)
      expect(() => checkFolderOf(path)).not.toThrow()
    }
    expect(() => checkFolderOf(join(folder, 'old.bin/model.bin'))).toThrow('its folder is a file')
    fs.symlinkSync('old.bin', join(folder, 'link'))
    expect(() => checkFolderOf(join(folder, 'link'))).not.toThrow()
  })

  test.runIf(fs.existsSync('/dev/null'))('what is no regular file needs no folder to write to', () => {
    expect(() => checkFolderOf('/dev/null')).not.toThrow()
  })

  test.runIf(fs.existsSync('/dev/null'))('writes straight into what is no regular file', () => {
    writeFileSafely('/dev/null', 'new')
    expect(fs.statSync('/dev/null').isCharacterDevice()).toBe(true)
  })
})

describe('reading', () => {
  test('bytes stand at the start of a buffer of their own', () => {
    const bytes = readBytes(join(folderOf({ a: Uint8Array.of(1, 2, 3) }), 'a'))
    expect([...bytes]).toEqual([1, 2, 3])
    expect([bytes.byteOffset, bytes.buffer.byteLength]).toEqual([0, 3])
  })

  test('a missing file and a folder are told apart', () => {
    const folder = folderOf({})
    expect(() => readBytes(join(folder, 'a'))).toThrow(
      new DataError(`"${join(folder, 'a')}" cannot be read: there is no such file`),
    )
    expect(() => readBytes(folder)).toThrow(new DataError(`"${folder}" cannot be read: it is a folder`))
  })

  test('text loses its byte order mark', () => {
    expect(readText(join(folderOf({ a: '\ufeffid,x' }), 'a'))).toBe('id,x')
  })

  test('text that is not UTF-8 is refused with its line', () => {
    const latin1 = folderOf({ a: Buffer.from('id,x\np1,ä\n', 'latin1') })
    expect(() => readText(join(latin1, 'a'), 'a')).toThrow(new FormatError('a line 2 is not UTF-8: save the file as UTF-8'))
  })
})
