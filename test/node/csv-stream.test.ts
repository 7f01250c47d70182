import { join } from 'node:path'
import { expect, test } from 'vitest'
import { streamRows } from '../../node/sources/csv-stream.ts'
import { folderOf } from './folder.ts'

/** All rows of a file with this text. */
async function rowsOf(text: string): Promise<string[][]> {
  const rows: string[][] = []
  await streamRows(join(folderOf({ 'a.csv': text }), 'a.csv'), 'a.csv', (header) => {
    rows.push([...header])
    return (cells, row) => rows.push([String(row), ...cells])
  })
  return rows
}

test('quotes, line breaks in cells, CRLF, a byte order mark and blank lines', async () => {
  expect(await rowsOf('\ufeffa,b\r\n1,"x,\r\n""y"""\r\n\r\n2,\r\n')).toEqual([
    ['a', 'b'],
    ['1', '1', 'x,\r\n"y"'],
    ['2', '2', ''],
  ])
})

test('a file of several pieces is read as a whole, whatever the pieces cut through', async () => {
  const cell = '"ä,\n""b"""'.padEnd(200, ' ')
  const text = `a,b\n${Array.from({ length: 25_000 }, (_, i) => `${i},${i % 3 ? i : cell}`).join('\n')}\n`
  // A piece is 4 MiB.
  const long = `${text}${'9'.repeat(3_000_000)},1\n${'8'.repeat(3_000_000)},2\n`
  const rows = await rowsOf(long)
  expect(rows).toHaveLength(25_003)
  expect(
    rows
      .slice(1, 25_001)
      .every(([row, a, b], i) => row === String(i + 1) && a === String(i) && b.startsWith(i % 3 ? a : 'ä,\n"b"')),
  ).toBe(true)
  expect(rows.slice(-2).map(([row, , b]) => [row, b])).toEqual([
    ['25001', '1'],
    ['25002', '2'],
  ])
})

test('what is thrown on the way is what is thrown', async () => {
  const file = join(folderOf({ 'a.csv': 'a\n1\n2\n' }), 'a.csv')
  await expect(
    streamRows(file, 'a.csv', () => () => {
      throw new RangeError('stop')
    }),
  ).rejects.toThrow(new RangeError('stop'))
  await expect(streamRows(join(file, 'x'), 'x', () => () => {})).rejects.toThrow('"x" cannot be read: its folder is a file')
  await expect(streamRows(`${file}.gz`, 'a.csv.gz', () => () => {})).rejects.toThrow(
    '"a.csv.gz" cannot be read: there is no such file',
  )
})
