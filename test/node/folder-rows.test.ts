import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { vectorFromArray } from 'apache-arrow'
import { beforeAll, describe, expect, test } from 'vitest'
import { folderRows } from '../../node/folder-rows.ts'
import { createPredictor, train } from '../../node/index.ts'
import { expectedOf } from '../../node/model.ts'
import { predictFolder } from '../../node/predict-folder.ts'
import { type Expected, readFolder } from '../../node/tables.ts'
import type { Column, Inputs, NumberColumn } from '../../src/data/dataset.ts'
import { readModel, writeModel } from '../../src/formats/model-file.ts'
import type { Prediction } from '../../src/fusion/predictor.ts'
import { csv, metafusion, QUICK, study, treeOf } from './command.ts'
import { folderOf } from './folder.ts'
import { arrow, parquet } from './tabular.ts'

const MODEL: Expected = {
  modalities: [
    {
      modality: 'a',
      columns: [
        { kind: 'number', name: 'x' },
        { kind: 'category', name: 'site', levels: ['l', 'm'] },
      ],
    },
    { modality: 'b', columns: [{ kind: 'number', name: 'x' }] },
    { modality: 'c', columns: [{ kind: 'number', name: 'x' }] },
  ],
  target: { task: 'regression', outputs: ['y'] },
}

type Ids = readonly string[]
const SITES = ['l', 'm', 'n', 'NA']

/** Files of modalities with these ids. */
const filesOf = (ids: Readonly<Record<string, Ids>>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(ids).map(([name, own]) => [
      `${name}.csv`,
      csv(
        ['id', 'x', 'site', 'more'],
        ...own.map((id, i) => [id, i % 50 === 7 ? '' : i / 3, SITES[i % 50 === 7 ? 3 : i % 4], name]),
      ),
    ]),
  )

interface Read {
  readonly blocks: readonly Inputs[]
  readonly notes: readonly string[]
}

async function blocksOf(folder: string, expected = MODEL): Promise<Read> {
  const blocks: Inputs[] = []
  const notes: string[] = []
  for await (const block of folderRows(folder, expected, (note) => notes.push(note))) blocks.push(block)
  return { blocks, notes }
}

/** The cells of a modality, row by row; those of a row that lacks it are left out. */
const cellsOf = ({ ids, modalities }: Inputs) =>
  ids.map((id, row) => [
    id,
    ...modalities.map(({ columns, present }) => (present[row] ? columns.map((c) => cellOf(c, row)) : null)),
  ])

const cellOf = (column: Column, row: number) =>
  column.kind === 'number' ? column.values[row] : (column.levels[column.codes[row]] ?? null)

/** Compared as texts, which is quick. */
const text = (rows: readonly unknown[]): string => rows.map((row) => JSON.stringify(row)).join('\n')

const range = (n: number, id: (i: number) => string): string[] => Array.from({ length: n }, (_, i) => id(i))
const padded = (i: number) => `p${String(i).padStart(6, '0')}`
/** Every number below 9973 once, in no order. */
const mixed = (i: number) => `s${(i * 7919) % 9973}`
const WHOLE = 'read whole, since "a.csv", "b.csv", "c.csv" have their ids in different orders: sort all by id'

describe('the blocks of a folder are its rows, in the same order, with the same notes', () => {
  test.each<[how: string, ids: Record<string, Ids>, whole?: boolean]>([
    ['the same ids in the same order', { a: range(9973, mixed), b: range(9973, mixed), c: range(9973, mixed) }],
    [
      'the first has the ids of all others, in their order',
      { a: range(9973, mixed), b: range(9973, mixed).filter((_, i) => i % 3 === 0), c: range(9973, mixed).slice(4000, 9000) },
    ],
    [
      'ascending texts, none with all of them',
      {
        a: range(6000, (i) => padded(i * 3)),
        b: range(7000, (i) => padded(i * 2)),
        c: range(100, (i) => padded(i * 977)),
      },
    ],
    ['ascending numbers', { a: range(5000, (i) => String(2 * i)), b: range(5000, (i) => String(3 * i)), c: ['7', '7.5', '1e5'] }],
    ['another spelling of a number is another id', { a: ['1', '2', '10'], b: ['01', '2', '11'], c: ['9', '10'] }],
    ['one file', { b: range(9000, mixed) }],
    ['another order', { a: range(9000, padded), b: range(9000, padded).reverse(), c: ['p000001'] }, true],
    ['the first has not all ids, and they are in no order', { a: ['y', 'x'], b: ['y', 'z', 'x'], c: ['z'] }, true],
  ])('%s', async (_, ids, whole = false) => {
    const folder = folderOf({ ...filesOf(ids), 'd.csv': 'id\n' })
    const { inputs, notes } = await readFolder(folder, { expected: MODEL, target: 'optional' })
    const read = await blocksOf(folder)
    expect(text(read.blocks.flatMap(cellsOf))).toBe(text(cellsOf(inputs)))
    // Which of many are named depends on who is met first.
    const few = (note: string) => note.replace(/\(.* and/, '(some and')
    expect(read.notes.filter((note) => note !== WHOLE).map(few)).toEqual(notes.map(few))
    expect(read.notes.includes(WHOLE)).toBe(whole)
    expect(read.blocks.some((block) => block.ids.length > 4096)).toBe(whole && inputs.ids.length > 4096)
  })

  test('pieces of a file that cut through rows, quotes and characters change nothing', async () => {
    // A piece is 1 MiB.
    const rows = range(30_000, padded).map((id, i) => `"${id}",${i},"${i % 3 ? 'ä' : 'm'}\r\n""${'ö'.repeat(i % 60)}"""`)
    const folder = folderOf({ 'a.csv': `\ufeffid,x,site\r\n${rows.join('\r\n')}` })
    const { blocks } = await blocksOf(folder)
    const [{ columns }] = (await readFolder(folder, { expected: MODEL, target: 'optional' })).inputs.modalities
    const cells = blocks.flatMap(cellsOf)
    expect(cells.map(([id]) => id).join()).toBe(range(30_000, padded).join())
    expect(cells.every(([, a], i) => (a as unknown[])[0] === i)).toBe(true)
    expect((cells[29_999][1] as unknown[])[1]).toBe(`ä\n"${'ö'.repeat(59)}"`)
    expect(columns[0].kind === 'number' && columns[0].values.every((value, i) => value === i)).toBe(true)
    expect(columns[0].kind === 'number' && columns[0].values.length).toBe(30_000)
  })

  test('a file may be Parquet or Arrow, of any groups of rows', async () => {
    const ids = range(9000, padded)
    const x = ids.map((_, i) => i / 7)
    const few = { ids: ids.filter((_, i) => i % 3 === 1), x: x.filter((_, i) => i % 3 === 1) }
    const columns = (of: { ids: string[]; x: number[] }) => csv(['id', 'x'], ...of.ids.map((id, i) => [id, of.x[i]]))
    const model = {
      ...MODEL,
      modalities: ['a', 'b', 'c'].map((modality) => ({ modality, columns: MODEL.modalities[1].columns })),
    }
    const plain = folderOf({ 'a.csv': columns({ ids, x }), 'b.csv': columns(few), 'c.csv': columns({ ids, x }) })
    const other = folderOf({
      'a.parquet': parquet(
        [
          { name: 'id', data: ids, type: 'STRING' },
          { name: 'x', data: x, type: 'DOUBLE' },
        ],
        'SNAPPY',
        1700,
      ),
      'b.arrow': arrow({ id: vectorFromArray(few.ids), x: vectorFromArray(few.x) }, 'file'),
      'c.ipc': arrow({ id: vectorFromArray(ids), x: vectorFromArray(x) }, 'stream'),
    })
    const [one, two] = [await blocksOf(plain, model), await blocksOf(other, model)]
    expect(text(two.blocks.flatMap(cellsOf))).toBe(text(one.blocks.flatMap(cellsOf)))
    expect(one.blocks.map((block) => block.ids.length)).toEqual([4096, 4096, 808])
  })
})

describe('what is wrong is said as it is where the folder is read whole', () => {
  const late = (text: string) =>
    `id,x,site\n${range(9000, padded)
      .map((id) => `${id},1,l\n`)
      .join('')}${text}`
  const unsorted = (text: string) =>
    `id,x,site\n${range(9000, mixed)
      .map((id) => `${id},1,l\n`)
      .join('')}${text}`
  test.each([
    ['a word among numbers', { 'a.csv': late('q,big,l\n') }],
    ['a number that is none', { 'a.csv': late('q,NaN,l\n') }],
    ['a missing cell', { 'a.csv': late('q,1\n') }],
    ['an id twice, one after the other', { 'a.csv': late('p008999,1,l\n') }],
    ['an id twice, far apart', { 'a.csv': unsorted('s0,1,l\n') }],
    ['an id twice in both files', { 'a.csv': unsorted('s0,1,l\n'), 'b.csv': unsorted('s0,1,l\n') }],
    ['an id twice in the second file', { 'a.csv': unsorted(''), 'b.csv': unsorted('s0,1,l\n') }],
    ['no id', { 'a.csv': late(' ,1,l\n') }],
    ['an open quote', { 'a.csv': late('"q,1,l\n') }],
    ['text after a quote', { 'a.csv': late('q,"1"2,l\n') }],
    ['bytes that are not UTF-8', { 'a.csv': Buffer.concat([Buffer.from(late('q,1,')), Buffer.from([0xff, 10])]) }],
    ['a missing column', { 'a.csv': 'id,y\nq,1\n' }],
    ['no rows', { 'a.csv': 'id,x,site\n' }],
    ['no file', { 'z.csv': 'id,x,site\n' }],
  ])('%s', async (_, files) => {
    const folder = folderOf(files)
    const whole = await readFolder(folder, { expected: MODEL, target: 'optional' }).then(
      () => expect.unreachable(),
      (error: Error) => error,
    )
    await expect(blocksOf(folder)).rejects.toThrow(whole)
  })

  test('a number too far off names its line', async () => {
    const modalities = [{ modality: 'a', columns: [{ kind: 'number', name: 'x', mean: 2, scale: 0.5 }] }] as const
    const folder = folderOf({ 'a.csv': late('q,-1e300,l\n') })
    await expect(blocksOf(folder, { ...MODEL, modalities })).rejects.toThrow(
      'a.csv line 9002: column "x" holds "-1e300", in training it was 2 ± 0.5: correct it',
    )
  })

  test('a number of a skewed column is too far off where its asinh has no end, and is held against the middle', async () => {
    const unskew = { centre: 2, spread: 0.5 }
    const column = { kind: 'number', name: 'x', mean: 7, scale: 9, unskew } as const
    const expected = { ...MODEL, modalities: [{ modality: 'a', columns: [column] }] }
    const read = await blocksOf(folderOf({ 'a.csv': late('q,-1e300,l\n') }), expected)
    expect((read.blocks.at(-1)!.modalities[0].columns[0] as NumberColumn).values.at(-1)).toBe(-1e300)
    await expect(blocksOf(folderOf({ 'a.csv': late('q,-1e308,l\n') }), expected)).rejects.toThrow(
      'a.csv line 9002: column "x" holds "-1e308", in training it was 2 ± 0.5: correct it',
    )
  })
})

test('labels, split and groups are no features and are not looked at', async () => {
  const folder = folderOf({
    'dataset.json': JSON.stringify({
      modalities: { b: 'b.csv' },
      target: { file: 'b.csv', column: 'y' },
      split: { file: 'b.csv', column: 'part' },
      group: { file: 'none.csv', column: 'family' },
    }),
    'b.csv': 'id,x,y,part,other\np1,1,what,ever,0\n',
  })
  const { blocks, notes } = await blocksOf(folder)
  expect(blocks.flatMap(cellsOf)).toEqual([['p1', null, [1], null]])
  expect(notes).toContain('b.csv: ignored 1 column that the model does not use ("other")')
})

test('a signal stops the reading, in the pass over the ids already', async () => {
  const stop = new AbortController()
  stop.abort(new RangeError('enough'))
  const blocks = folderRows(folderOf({ 'b.csv': 'id,x\np1,1\n' }), MODEL, () => {}, stop.signal)
  await expect(blocks.next()).rejects.toThrow(new RangeError('enough'))
})

describe('predict', () => {
  let model: Uint8Array
  let expected: Expected
  beforeAll(async () => {
    const { data } = await readFolder(folderOf(study()))
    const trained = await train(data, { config: { ...JSON.parse(QUICK), baselines: false } })
    model = writeModel(trained.model)
    expected = expectedOf(trained.model)
  })

  const ids = range(10_000, padded)
  const blood = (last: string) =>
    csv(
      ['id', 'tau', 'sex', 'abeta'],
      ...ids.map((id, i) => [id, Math.sin(i), i % 3 ? 'f' : 'm', i === 9999 ? last : Math.cos(i)]),
    )
  const volume = ids.map((_, i) => Math.sin(3 * i))
  const scan = csv(['id', 'volume', 'thickness'], ...ids.map((id, i) => [id, volume[i], volume[9999 - i]]))

  test('writes the same bytes from blocks, from the whole, and from other formats', async () => {
    expect(expected.modalities.map(({ modality }) => modality)).toEqual(['blood', 'mri'])
    const asParquet = parquet([
      { name: 'id', data: ids, type: 'STRING' },
      { name: 'volume', data: volume, type: 'DOUBLE' },
      { name: 'thickness', data: [...volume].reverse(), type: 'DOUBLE' },
    ])
    const [head, ...rows] = scan.trimEnd().split('\n')
    const folder = treeOf({
      m: model,
      'plain/blood.csv': blood('0'),
      'plain/mri.csv': scan,
      'other/blood.csv': blood('0'),
      'other/mri.parquet': asParquet,
      'whole/blood.csv': blood('0'),
      'whole/mri.csv': `${[head, ...rows.reverse()].join('\n')}\n`,
    })
    const said = await Promise.all(
      ['plain', 'other', 'whole'].map((name) => metafusion(folder, 'predict', 'm', name, '--out', `${name}.out`)),
    )
    expect(said.map(({ code, stdout }) => [code, stdout])).toEqual(
      ['plain', 'other', 'whole'].map((name) => [0, `${name}.out: 10000 rows predicted\n`]),
    )
    expect(said.map(({ stderr }) => stderr.includes('read whole'))).toEqual([false, false, true])
    const [plain, other, whole] = ['plain', 'other', 'whole'].map((name) => readFileSync(join(folder, `${name}.out`), 'utf8'))
    expect(plain.split('\n')).toHaveLength(10_002)
    expect(other).toBe(plain)
    expect(whole).toBe(plain)
  })

  test('in code gives the predictions of the rows as they would be all at once', async () => {
    const own = readModel(model)
    const folder = folderOf({ 'blood.csv': blood('0'), 'mri.csv': scan })
    const parts: Prediction[] = []
    for await (const part of predictFolder(own, folder, { rule: 'simple-average' })) parts.push(part)
    const { inputs } = await readFolder(folder, { expected, target: 'optional' })
    const all = createPredictor(own, 'simple-average').predict(inputs)
    expect(parts.map((part) => part.ids.length)).toEqual([4096, 4096, 1808])
    expect(parts.flatMap((part) => part.ids).join()).toBe(all.ids.join())
    expect(parts.flatMap((part) => [...part.values]).join()).toBe(all.values.join())
  })

  test('leaves nothing behind when a row of a later block is at fault', async () => {
    const folder = treeOf({ m: model, 'new/blood.csv': blood('much'), 'new/mri.csv': scan })
    const { code, stdout, stderr } = await metafusion(folder, 'predict', 'm', 'new', '--out', 'p.csv')
    expect([code, stdout]).toEqual([1, ''])
    expect(stderr).toBe(
      'metafusion: blood.csv line 10001: column "abeta" holds "much", the model was trained on numbers here: give a number, or leave the cell empty if it is unknown\n',
    )
    expect(readdirSync(folder).sort()).toEqual(['m', 'new'])
  })
})
