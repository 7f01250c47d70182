import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type Expected, type ReadOptions, readFolder } from '../../node/tables.ts'
import { type Column, checkDataset } from '../../src/data/dataset.ts'
import { applyPreparation, fitPreparation, preparedNames } from '../../src/data/prepare.ts'
import { presence } from '../../src/data/presence.ts'
import { folderOf } from './folder.ts'

const LABELS = 'id,label\np1,a\np2,b\np3,a\np4,b\n'
const CLINICAL = 'id,age,sex\np1,50,f\np2,60,m\np3,,f\np4,70,NA\n'

/** The cells of a column, gaps as null. */
const cells = (column: Column) =>
  column.kind === 'number'
    ? Array.from(column.values, (value) => (Number.isNaN(value) ? null : value))
    : Array.from(column.codes, (code) => (code < 0 ? null : column.levels[code]))

const json = (value: unknown) => JSON.stringify(value)

describe('learning from a folder', () => {
  test('joins the files on the ids of labels.csv; a subject without a row lacks the modality', async () => {
    const { data, labelled, splits, notes } = await readFolder(
      folderOf({ 'labels.csv': LABELS, 'clinical.csv': CLINICAL, 'mri.csv': 'id,volume\np4,1.5\np2,2.5\n' }),
    )
    expect(data.ids).toEqual(['p1', 'p2', 'p3', 'p4'])
    expect(data.modalities.map(({ name }) => name)).toEqual(['clinical', 'mri'])
    const [clinical, mri] = data.modalities
    expect(clinical.columns.map((column) => [column.name, column.kind, cells(column)])).toEqual([
      ['age', 'number', [50, 60, null, 70]],
      ['sex', 'category', ['f', 'm', 'f', null]],
    ])
    expect([...clinical.present, ...mri.present]).toEqual([1, 1, 1, 1, 0, 1, 0, 1])
    expect(cells(mri.columns[0])).toEqual([null, 2.5, null, 1.5])
    expect(data.target).toEqual({ task: 'classification', classes: ['a', 'b'], labels: Int32Array.of(0, 1, 0, 1) })
    expect([...labelled]).toEqual([0, 1, 2, 3])
    expect(splits).toBeUndefined()
    expect(notes).toEqual([
      'modalities are the files "clinical.csv", "mri.csv"',
      'column "label" of labels.csv: text, so the task is classification',
    ])
    checkDataset(data)
  })

  test('what predict has written is no modality, unless dataset.json says so', async () => {
    const files = {
      'labels.csv': LABELS,
      'm.csv': 'id,prediction,students\np1,1,2\np2,2,3\n',
      'classes.csv': 'id,prediction,p_a,p_b,students,missing\np1,a,0.9,0.1,m:raw,\n',
      'value.csv': '\ufeffid;prediction;students;missing\r\np1;1.5;m:raw;\r\n',
      'values.csv': 'id,prediction_u,"prediction_v",students,missing\np1,1,2,m:raw,\n',
    }
    const { data, notes } = await readFolder(folderOf(files))
    expect(data.modalities.map(({ name }) => name)).toEqual(['m'])
    expect(notes.slice(0, 4)).toEqual([
      ...['classes', 'value', 'values'].map(
        (name) => `${name}.csv: left out, it holds a model's predictions; name it in dataset.json if it is a modality`,
      ),
      'modalities are the files "m.csv"',
    ])
    const named = await readFolder(
      folderOf({ ...files, 'dataset.json': json({ modalities: { m: 'm.csv', other: 'classes.csv' } }) }),
    )
    expect(named.data.modalities.map(({ name }) => name)).toEqual(['m', 'other'])
  })

  test('a split may have no test rows, and it is said', async () => {
    const { splits, notes } = await readFolder(
      folderOf({ 'labels.csv': LABELS, 'm.csv': CLINICAL, 'split.csv': 'id,split\np1,train\np2,train\np3,train\np4,val\n' }),
    )
    expect(splits).toMatchObject({ train: Int32Array.of(0, 1, 2), validation: Int32Array.of(3), test: new Int32Array(0) })
    expect(notes).toContain('split.csv column "split": no test rows, nothing is reported')
  })

  test('dataset.json says which file is what', async () => {
    const { title, data, splits, notes } = await readFolder(
      folderOf({
        'dataset.json': json({
          title: 'Two views',
          id: 'patient',
          task: 'regression',
          modalities: { blood: 'b.csv', scan: 's.csv' },
          target: { file: 'outcome.csv', columns: ['y1', 'y0'] },
          split: { file: 'parts.csv', column: 'first' },
          categorical: { blood: ['stage'] },
        }),
        'b.csv': 'patient,stage\np1,1\np2,10\np3,2\n',
        's.csv': 'patient,v\np1,1\np2,2\np3,3\n',
        'unused.csv': 'anything',
        'outcome.csv': 'y0,y1,patient\n1,2,p1\n3,4,p2\n5,6,p3\n',
        'parts.csv': 'patient,first\np3,test\np1,val\np2,train\n',
      }),
    )
    expect([title, data.title]).toEqual(['Two views', 'Two views'])
    expect(data.modalities.map(({ name }) => name)).toEqual(['blood', 'scan'])
    expect(data.modalities[0].columns[0]).toMatchObject({ kind: 'category', levels: ['1', '2', '10'] })
    expect(data.target).toEqual({ task: 'regression', outputs: ['y1', 'y0'], values: Float64Array.of(2, 1, 4, 3, 6, 5) })
    expect(splits).toMatchObject({ train: Int32Array.of(1), test: Int32Array.of(2), validation: Int32Array.of(0) })
    expect(notes).toEqual([])
  })

  test('dataset.json may name the column of groups, which is no feature and no target', async () => {
    const files = {
      'm.csv': 'id,x,family\np1,1,f1\np2,2,f1\np3,3,f2\n',
      'labels.csv': 'id,y\np1,1.5\np2,2.5\np3,3.5\n',
      'dataset.json': json({ modalities: { m: 'm.csv' }, group: { file: 'm.csv', column: 'family' } }),
    }
    const { data } = await readFolder(folderOf(files))
    expect(data.groups).toEqual(['f1', 'f1', 'f2'])
    expect(data.modalities[0].columns.map(({ name }) => name)).toEqual(['x'])
    const beside = {
      'm.csv': 'id,x\np1,1\np2,2\np3,3\n',
      'labels.csv': 'id,y,family\np1,1.5,f1\np2,2.5,f1\np3,3.5,f2\n',
      'dataset.json': json({ group: { file: 'labels.csv', column: 'family' } }),
    }
    const own = (await readFolder(folderOf(beside))).data
    expect(own.groups).toEqual(['f1', 'f1', 'f2'])
    expect(own.target).toMatchObject({ task: 'regression', outputs: ['y'] })
    checkDataset(own)
    const apart = { ...beside, 'families.csv': 'id,family\np1,f1\np2,f1\np3,f2\n', 'labels.csv': files['labels.csv'] }
    const last = (
      await readFolder(folderOf({ ...apart, 'dataset.json': json({ group: { file: 'families.csv', column: 'family' } }) }))
    ).data
    expect(last.groups).toEqual(['f1', 'f1', 'f2'])
    expect(last.modalities.map(({ name }) => name)).toEqual(['m'])
  })

  test('every row needs its group to be learned from, and none to be predicted', async () => {
    const files = {
      'm.csv': 'id,x\np1,1\np2,2\np3,3\n',
      'labels.csv': 'id,label,family\np1,a,f1\np2,b,\np3,a,f2\n',
      'dataset.json': json({ group: { file: 'labels.csv', column: 'family' } }),
    }
    await expect(readFolder(folderOf(files))).rejects.toThrow(
      'labels.csv column "family" has no group for 1 id ("p2"): name one for each',
    )
    await expect(readFolder(folderOf({ ...files, 'labels.csv': LABELS }))).rejects.toThrow('labels.csv has no column "family"')
    expect((await readFolder(folderOf(files), { target: 'optional' })).inputs.ids).toEqual(['p1', 'p2', 'p3'])
  })

  test('dataset.json may say one thing and leave the rest to the names of the files', async () => {
    const { data } = await readFolder(
      folderOf({
        'dataset.json': json({ categorical: { m: ['x'] } }),
        'labels.csv': LABELS,
        'm.csv': 'id,x\np1,1\np2,2\np3,1\np4,2\n',
      }),
    )
    expect(data.modalities.map(({ name, columns }) => [name, columns[0].kind])).toEqual([['m', 'category']])
  })

  test('a target and a split that stand in a modality’s file are no features of it', async () => {
    const { data, splits } = await readFolder(
      folderOf({
        'dataset.json': json({
          modalities: { m: 'all.csv' },
          target: { file: 'all.csv', column: 'y' },
          split: { file: 'all.csv', column: 's' },
        }),
        'all.csv': 'id,x,y,s\np1,1,a,train\np2,2,b,train\np3,3,a,test\n',
      }),
    )
    expect(data.modalities[0].columns.map(({ name }) => name)).toEqual(['x'])
    expect(splits).toMatchObject({ train: Int32Array.of(0, 1), test: Int32Array.of(2) })
  })

  test('what is left out is said', async () => {
    const { data, notes } = await readFolder(
      folderOf({
        'labels.csv': 'id,label\np1,a\np2,b\np3,a\np9,b\n',
        'm.csv': 'id,x,empty\np1,1,\np2,,NA\np3,3,\np7,4,\n',
        'n.csv': 'id,x\np2,1\n',
        'split.csv': 'id,split\np1,train\np2,train\np3,test\np8,test\np9,test\n',
      }),
    )
    expect(data.ids).toEqual(['p1', 'p2', 'p3'])
    expect(data.modalities.map(({ present }) => [...present])).toEqual([
      [1, 0, 1],
      [0, 1, 0],
    ])
    expect(notes).toEqual([
      'modalities are the files "m.csv", "n.csv"',
      'm.csv: left out 1 column without any value ("empty")',
      'm.csv: 1 row without any value, taken as lacking "m" ("p2")',
      'labels.csv: left out 1 id without any data ("p9")',
      'm.csv: left out 1 id that labels.csv does not have ("p7")',
      'column "label" of labels.csv: text, so the task is classification',
      'split.csv: 1 id without data ("p8")',
    ])
  })

  test('a class without a train row is said', async () => {
    const { notes } = await readFolder(
      folderOf({ 'labels.csv': LABELS, 'm.csv': CLINICAL, 'split.csv': 'id,split\np1,train\np2,test\np3,train\np4,test\n' }),
    )
    expect(notes).toContain('no train row has the class "b": nothing can be learned of it')
  })

  test('options.split overrides the split of the folder', async () => {
    const folder = folderOf({
      'labels.csv': LABELS,
      'm.csv': CLINICAL,
      'split.csv': 'id,split\np1,train\np2,train\np3,test\np4,test\n',
      'splits.csv': 'id,s0,split\np1,test,train\np2,train,train\np3,train,train\np4,train,test\n',
    })
    expect([...(await readFolder(folder)).splits!.test]).toEqual([2, 3])
    expect([...(await readFolder(folder, { split: 'splits.csv:s0' })).splits!.test]).toEqual([0])
    expect([...(await readFolder(folder, { split: 'splits.csv' })).splits!.test]).toEqual([3])
  })

  test.each([
    ['id,y\np1,b\np2,a\n', 'classification', ['a', 'b'], 'column "y" of labels.csv: text, so the task is classification'],
    [
      'id,y\np1,10\np2,9\n',
      'classification',
      ['9', '10'],
      'column "y" of labels.csv: 2 different whole numbers, so the task is classification',
    ],
    ['id,y\np1,1.5\np2,2\n', 'regression', ['y'], 'column "y" of labels.csv: numbers, so the task is regression'],
    ['id,u,v\np1,1,2\np2,2,1\n', 'regression', ['u', 'v'], 'columns "u", "v" of labels.csv: numbers, so the task is regression'],
    [
      'id,u,label\np1,1,2\np2,2,1\n',
      'classification',
      ['1', '2'],
      'column "label" of labels.csv: 2 different whole numbers, so the task is classification',
    ],
  ])('%j is read as a %s of %j', async (labels, task, names, note) => {
    const { data, notes } = await readFolder(folderOf({ 'labels.csv': labels, 'm.csv': 'id,x\np1,1\np2,2\n' }))
    expect(data.target.task).toBe(task)
    expect(data.target.task === 'classification' ? data.target.classes : data.target.outputs).toEqual(names)
    expect(notes).toContain(note)
  })

  test('eleven different whole numbers are measurements', async () => {
    const lines = (name: string) => [`id,${name}`, ...Array.from({ length: 11 }, (_, i) => `p${i},${i}`)].join('\n')
    expect((await readFolder(folderOf({ 'labels.csv': lines('y'), 'm.csv': lines('x') }))).data.target.task).toBe('regression')
  })
})

describe('the form of a CSV file', () => {
  const plain = 'id,a,b\np1,1,x\np2,2.5e1,y\np3,-.5,x\n'
  test.each([
    ['CRLF', plain.replaceAll('\n', '\r\n')],
    ['CR', plain.replaceAll('\n', '\r')],
    ['LF and CRLF', plain.replace('\n', '\r\n')],
    ['a byte order mark', `\ufeff${plain}`],
    ['semicolons', plain.replaceAll(',', ';')],
    ['tabs', plain.replaceAll(',', '\t')],
    ['quotes', 'id,"a",b\n"p1","1","x"\np2,2.5e1,"y"\np3,-.5,x'],
    ['spaces', ' id , a,b\n p1 ,1 ,x\np2 , 2.5e1,y\np3,-.5, x\n'],
    ['blank lines', `\n${plain.replaceAll('\n', '\n\n  \n')}\n`],
    ['no line end', plain.trimEnd()],
  ])('%s', async (_, text) => {
    const { inputs } = await readFolder(folderOf({ 'm.csv': text }), { target: 'optional' })
    expect(inputs.ids).toEqual(['p1', 'p2', 'p3'])
    expect(inputs.modalities[0].columns.map((column) => [column.name, cells(column)])).toEqual([
      ['a', [1, 25, -0.5]],
      ['b', ['x', 'y', 'x']],
    ])
  })

  test('decimal commas of a file with semicolons are refused, not taken as categories', async () => {
    await expect(readFolder(folderOf({ 'm.csv': 'id;a\np1;1,5\np2;2,5\n' }), { target: 'optional' })).rejects.toThrow(
      'm.csv line 2: column "a" holds "1,5": write numbers with a decimal point, or list the column in dataset.json as ' +
        '"categorical": {"m": ["a"]}',
    )
  })

  test('a quoted cell may hold separators, quotes and line breaks', async () => {
    const { inputs } = await readFolder(folderOf({ 'm.csv': 'id,a\np1,"x, ""y"""\np2,"x\ny"\np3,z\n' }), { target: 'optional' })
    expect(cells(inputs.modalities[0].columns[0])).toEqual(['x, "y"', 'x\ny', 'z'])
  })
})

const m = (text: string) => ({ 'labels.csv': LABELS, 'm.csv': text })
const labels = (text: string) => ({ 'labels.csv': text, 'm.csv': CLINICAL })
const split = (text: string) => ({ 'labels.csv': LABELS, 'm.csv': CLINICAL, 'split.csv': text })
const manifest = (value: unknown) => ({
  'labels.csv': LABELS,
  'm.csv': CLINICAL,
  'dataset.json': typeof value === 'string' ? value : json(value),
})
const many = (n: number, text: (i: number) => string) => ({
  'labels.csv': `id,label\n${Array.from({ length: n }, (_, i) => `p${i},${i % 2}`).join('\n')}`,
  'm.csv': `id,x\n${Array.from({ length: n }, (_, i) => `p${i},${text(i)}`).join('\n')}`,
})
const TEXT =
  'where numbers were: give a number, leave the cell empty if it is unknown, or list the column in dataset.json as "categorical": {"m": ["x"]}'

type Case = [files: Record<string, string | Uint8Array>, sentence: string, options?: ReadOptions]

/** What each throws; DIR stands for the folder. */
function refuses(name: string, cases: readonly Case[]): void {
  describe(name, () => {
    test.each(cases)('%j: %s', async (files, sentence, options = {}) => {
      const folder = folderOf(files)
      let thrown: unknown
      try {
        await readFolder(folder, options)
      } catch (error) {
        thrown = error
      }
      expect(thrown).toBeInstanceOf(Error)
      const { name, message } = thrown as Error
      expect(`${name}: ${message.replaceAll(folder, 'DIR')}`).toBe(sentence)
    })
  })
}

test('a folder that is none', async () => {
  const folder = folderOf({ 'a.csv': '' })
  const reading = (name: string) => () => readFolder(join(folder, name))
  await expect(reading('b')()).rejects.toThrow(`there is no folder "${join(folder, 'b')}"`)
  await expect(reading('a.csv')()).rejects.toThrow(
    `"${join(folder, 'a.csv')}" is no folder: give one that holds a CSV file per modality`,
  )
})

refuses('files', [
  [{}, 'DataError: "DIR" holds no modality: give it a CSV file per modality'],
  [
    { 'labels.csv': LABELS, 'split.csv': '', 'splits_10.csv': '', '.m.csv': '', 'm.txt': '' },
    'DataError: "DIR" holds no modality: give it a CSV file per modality',
  ],
  [{ 'm.csv': CLINICAL }, 'DataError: "DIR" has no labels.csv: give one with the columns "id" and "label"'],
  [m(''), 'FormatError: m.csv is empty: give a header and one row per subject'],
  [m(' \n\n'), 'FormatError: m.csv is empty: give a header and one row per subject'],
  [m('id,x\n'), 'FormatError: m.csv has a header and no rows: give one row per subject'],
  [
    m('patient,x\np1,1'),
    'FormatError: m.csv has no column "id" to join on, its columns are "patient", "x": rename one, or name it as "id" in dataset.json',
  ],
  [m('id\np1'), 'FormatError: m.csv has no column with values besides "id": give it one feature at least'],
  [m('id,x\np1,\np2,NA'), 'FormatError: m.csv has no column with values besides "id": give it one feature at least'],
  [m('id,x,y,x\np1,1,2,3'), 'FormatError: m.csv line 1: columns 2 and 4 are both named "x", rename one'],
  [m('\nid,,x\np1,1,2'), 'FormatError: m.csv line 2: column 2 has no name, give it one'],
  [
    m('id,x\np1,1\np2,1,5'),
    'FormatError: m.csv line 3 has 3 cells, the header has 2: give every row as many cells as the header',
  ],
  [
    m('id,x,y\np1,1,2\np2,1'),
    'FormatError: m.csv line 3 has 2 cells, the header has 3: give every row as many cells as the header',
  ],
  [m('id,x\np1,1\np2,2\n p1 ,3'), 'FormatError: m.csv: id "p1" stands on lines 2 and 4, give each subject one row'],
  [m('id,x\np1,1\n,2'), 'FormatError: m.csv line 3 has no id: give one in column "id"'],
  [m('id,x\np1,"1\np2,2'), 'FormatError: m.csv line 2: the quote that opens here is never closed'],
  [
    m('id,x\np1,1\np2,"2"3\n'),
    'FormatError: m.csv line 3: a quoted cell goes on after its closing quote, write a quote inside a cell as two ("")',
  ],
  [
    { ...m(''), 'm.csv': Uint8Array.of(0x69, 0x64, 0x2c, 0x78, 0x0a, 0xff) },
    'FormatError: m.csv line 2 is not UTF-8: save the file as UTF-8',
  ],
  [m('id,x\nq1,1'), 'DataError: no id of labels.csv has data: it begins with "p1", m.csv with "q1", give both the same ids'],
])

refuses('cells', [
  ...['NaN', 'nan', '-inf', 'Infinity', '1e999'].map(
    (value): Case => [
      m(`id,x\np1,1\np2,${value}`),
      `DataError: m.csv line 3: column "x" holds "${value}": give a number, or leave the cell empty if it is unknown`,
    ],
  ),
  [
    m('id,x\np1,nan\np2,'),
    'DataError: m.csv line 2: column "x" holds "nan": give a number, or leave the cell empty if it is unknown',
  ],
  [m('id,x\np1,1\np2,2\np3,high\np4,low'), `DataError: m.csv line 4: column "x" holds "high" ${TEXT}`],
  [m('id,x\np1,0x10\np2,2'), `DataError: m.csv line 2: column "x" holds "0x10" ${TEXT}`],
  [m('id,x\np1,1 000\np2,2'), `DataError: m.csv line 2: column "x" holds "1 000" ${TEXT}`],
  [m('id,x,y\n"p\n1",1,1\np2,2,"1\n\n2"\np3,2,3\np4,"a\nb",4'), `DataError: m.csv line 8: column "x" holds "a b" ${TEXT}`],
  [
    many(70, (i) => `t${i % 65}`),
    'DataError: m.csv: column "x" has 65 different texts, too many to make a feature of each (at most 64): group them or drop the column',
  ],
  [
    many(21, (i) => `t${i}`),
    'DataError: m.csv: column "x" has 21 texts and no two alike, which tells subjects apart but says nothing of them: drop the column',
  ],
])

refuses('labels', [
  [
    labels('id,label\np1,a\np2,\np3,b'),
    'DataError: labels.csv line 3: "p2" has no value in column "label", give one or remove the row',
  ],
  [labels('id\np1\np2'), 'FormatError: labels.csv has no column to predict: give it a column "label"'],
  [labels('id,label\np1,a\np2,a'), 'DataError: labels.csv: column "label" holds only "a", a classifier needs two classes'],
  [
    labels('id,label\np1,1\np2,NaN'),
    'DataError: labels.csv line 3: column "label" holds "NaN": give what is known or remove the row',
  ],
  [
    labels('id,label\np1,"1,5"\np2,2'),
    'DataError: labels.csv line 2: column "label" holds "1,5": write numbers with a decimal point, or set "task": "classification" in dataset.json',
  ],
  [
    labels('id,y,note\np1,1,good\np2,2,bad'),
    'FormatError: labels.csv has the target columns "y", "note", of which a classification takes one: name it as "target" in dataset.json',
  ],
  [
    { ...labels('id,y\np1,1\np2,many'), 'dataset.json': json({ task: 'regression' }) },
    'DataError: labels.csv line 3: column "y" holds "many": a regression needs a number',
  ],
])

refuses('splits', [
  [
    split('id,split\np1,train\np2,dev\np3,test\np4,train'),
    'DataError: split.csv line 3: column "split" holds "dev": write train, test or validation',
  ],
  [
    split('id,split\np1,train\np2,test\np3,'),
    'DataError: split.csv column "split" has no word for 2 ids ("p3", "p4"): write train or test',
  ],
  [
    split('id,split\np1,test\np2,test\np3,test\np4,test'),
    'DataError: split.csv column "split" leaves no row for train: write train for some',
  ],
  [split('id,part\np1,train'), 'FormatError: split.csv has no column "split": its columns are "id", "part"'],
  [m(CLINICAL), 'DataError: there is no file "s.csv" in "DIR" for the split', { split: 's.csv:a' }],
  [
    split('id,s0,s1\np1,train,test'),
    'FormatError: split.csv has no column "s2": its columns are "id", "s0", "s1"',
    { split: 'split.csv:s2' },
  ],
  [
    split('id,s0,s1\np1,train,test'),
    'FormatError: split.csv has no column "s2": its columns are "id", "s0", "s1"',
    { split: 'split.csv:s2', target: 'optional' },
  ],
])

test('columns beside label are named, not silently left out', async () => {
  const files = { 'm.csv': 'id,x\np1,1\np2,2', 'labels.csv': 'id,label,age,sex\np1,a,50,f\np2,b,60,m' }
  expect((await readFolder(folderOf(files))).notes).toContain('labels.csv: "age", "sex" not used, the target is "label"')
})

test('the file of a split that is asked for is no modality', async () => {
  const files = {
    'm.csv': 'id,x\np1,1\np2,2',
    'labels.csv': 'id,label\np1,a\np2,b',
    'folds.csv': 'id,s0,s1\np1,train,test\np2,test,train',
  }
  expect((await readFolder(folderOf(files), { split: 'folds.csv:s0' })).inputs.modalities.map((m) => m.name)).toEqual(['m'])
})

// The engine's own words follow, which differ from version to version.
test.each(['{"title": "x",\n  "id": id}', '{"modalities": {"m": "m.csv",}}', '{"id": "x"', ''])(
  'dataset.json that is no JSON is refused: %j',
  async (text) => {
    await expect(readFolder(folderOf({ 'dataset.json': text }))).rejects.toThrow(/^dataset\.json is no valid JSON: .+/)
  },
)

refuses('dataset.json', [
  [manifest('[]'), 'FormatError: dataset.json must be an object: {…}'],
  [manifest({ modality: {} }), 'FormatError: dataset.json: "modality" is no known key, remove it or correct its name'],
  [
    manifest({ target: { file: 'a.csv', colum: 'y' } }),
    'FormatError: dataset.json: "target.colum" is no known key, remove it or correct its name',
  ],
  [manifest({ target: { file: 'a.csv' } }), 'FormatError: dataset.json: give "target" either a "column" or "columns"'],
  [manifest({ split: { file: 'a.csv' } }), 'FormatError: dataset.json: "split.column" is missing'],
  [manifest({ split: 'a.csv' }), 'FormatError: dataset.json: "split" is "a.csv", it must be an object'],
  [manifest({ id: 3 }), 'FormatError: dataset.json: "id" is 3, it must be a text'],
  [manifest({ task: 'regress' }), 'FormatError: dataset.json: "task" is "regress", it must be "classification" or "regression"'],
  [manifest({ modalities: { a: 'b.csv' } }), 'DataError: there is no file "b.csv" in "DIR" for modality "a"'],
  [manifest({ target: { file: 'b.csv', column: 'y' } }), 'DataError: there is no file "b.csv" in "DIR" for the target'],
  [
    manifest({ target: { file: 'labels.csv', column: 'y' } }),
    'FormatError: labels.csv has no column "y": its columns are "id", "label"',
  ],
  [manifest({ categorical: { n: ['x'] } }), 'FormatError: dataset.json: "categorical" names "n", the modalities are "m"'],
  [manifest({ categorical: { m: ['x'] } }), 'FormatError: m.csv has no column "x": its columns are "id", "age", "sex"'],
])

const MODEL: Expected = {
  modalities: [
    {
      modality: 'clinical',
      columns: [
        { kind: 'number', name: 'age' },
        { kind: 'category', name: 'stage', levels: ['1', '2'] },
      ],
    },
    { modality: 'mri', columns: [{ kind: 'number', name: 'volume' }] },
  ],
  target: { task: 'classification', classes: ['well', 'ill'] },
}

describe('reading for a model', () => {
  test('gives the model’s modalities and columns; numbers are categories where the model has categories', async () => {
    const folder = folderOf({
      'mri.csv': 'volume,id\n7,p3\n8,p1\n',
      'clinical.csv': 'id,stage,note,age\np2,2,x,\np1,1,y,50\n',
      'other.csv': 'not,even,a\ntable',
    })
    const { inputs, target, labelled, notes } = await readFolder(folder, { expected: MODEL, target: 'optional' })
    expect(inputs.ids).toEqual(['p2', 'p1', 'p3'])
    const [clinical, mri] = inputs.modalities
    expect(clinical.columns.map((column) => [column.name, column.kind, cells(column)])).toEqual([
      ['age', 'number', [null, 50, null]],
      ['stage', 'category', ['2', '1', null]],
    ])
    expect([...clinical.present, ...mri.present]).toEqual([1, 1, 0, 0, 1, 1])
    expect(cells(mri.columns[0])).toEqual([null, 8, 7])
    expect(target).toBeUndefined()
    expect(labelled).toHaveLength(0)
    expect(notes).toEqual([
      'modalities are the files "clinical.csv", "mri.csv", "other.csv"',
      'other.csv: ignored, the model does not know modality "other"',
      'clinical.csv: ignored 1 column that the model does not use ("note")',
    ])
  })

  test('preparations say what to expect, and prepare the rows again with the same bits', async () => {
    const { data } = await readFolder(
      folderOf({
        'dataset.json': json({ categorical: { m: ['smoker'] } }),
        'labels.csv': LABELS,
        'm.csv': 'id,age,smoker\np1,50,0\np2,61,1\np3,,0\np4,73,\n',
      }),
    )
    const preparation = fitPreparation(data.modalities[0], [0, 1, 2, 3])
    const again = folderOf({ 'm.csv': 'smoker;note;id;age\n0;;p1;50\n1;;p2;61\n0;x;p3;\n;;p4;73\n' })
    const expected: Expected = { modalities: [preparation], target: { task: 'classification', classes: ['a', 'b'] } }
    const { inputs } = await readFolder(again, { expected, target: 'optional' })
    expect(preparedNames(preparation)).toEqual(['age', 'smoker=0', 'smoker=1'])
    expect(applyPreparation(preparation, inputs.modalities[0])).toEqual(applyPreparation(preparation, data.modalities[0]))
  })

  test('a modality may lack its file, a column its values and a category its level', async () => {
    const folder = folderOf({ 'clinical.csv': 'id,age,stage\np1,,3\np2,,1\np3,,\n' })
    const { inputs, notes } = await readFolder(folder, { expected: MODEL, target: 'optional' })
    expect(inputs.modalities.map(({ present }) => [...present])).toEqual([
      [1, 1, 0],
      [0, 0, 0],
    ])
    expect(inputs.modalities[1].columns.map((column) => [column.name, cells(column)])).toEqual([['volume', [null, null, null]]])
    expect(notes.slice(1)).toEqual([
      'clinical.csv: column "stage" holds "3", which the model has not seen and takes as unknown',
      'clinical.csv: 1 row without any value, taken as lacking "clinical" ("p3")',
      'there is no file for modality "mri": every subject lacks it',
    ])
  })

  test('a modality of which the model uses no column is there where its file has a row', async () => {
    const expected: Expected = { ...MODEL, modalities: [MODEL.modalities[1], { modality: 'flat', columns: [] }] }
    const folder = folderOf({ 'mri.csv': 'id,volume\np1,1\np2,2\n', 'flat.csv': 'id,x\np2,7\n' })
    const { inputs, notes } = await readFolder(folder, { expected, target: 'optional' })
    expect(inputs.modalities[1]).toEqual({ name: 'flat', columns: [], present: Uint8Array.of(0, 1) })
    expect(notes.slice(1)).toEqual(['flat.csv: ignored 1 column that the model does not use ("x")'])
  })

  test('the files that dataset.json names for learning may be missing', async () => {
    const files = { clinical: 'c.csv', mri: 'm.csv', more: 'more.csv' }
    const folder = folderOf({
      'dataset.json': json({ modalities: files, target: { file: 'y.csv', column: 'y' }, split: { file: 's.csv', column: 's' } }),
      'm.csv': 'id,volume\np1,1\n',
    })
    expect((await readFolder(folder, { expected: MODEL, target: 'optional' })).inputs.ids).toEqual(['p1'])
  })

  test('labels are read where there are any, as indexes of the model’s classes', async () => {
    const folder = folderOf({
      'mri.csv': 'id,volume\np1,1\np2,2\np3,3\n',
      'labels.csv': 'id,label\np3,well\np2,\np1,ill\np9,ill\n',
    })
    const { target, labelled } = await readFolder(folder, { expected: MODEL, target: 'optional' })
    expect(target).toEqual({ task: 'classification', classes: ['well', 'ill'], labels: Int32Array.of(1, -1, 0) })
    expect([...labelled]).toEqual([0, 2])
  })

  test('values of a regression are NaN where they are not known', async () => {
    const expected: Expected = { ...MODEL, target: { task: 'regression', outputs: ['v', 'u'] } }
    const folder = folderOf({ 'mri.csv': 'id,volume\np1,1\np2,2\n', 'labels.csv': 'id,u,v\np1,1,2\np2,3,\n' })
    const { target, labelled } = await readFolder(folder, { expected, target: 'optional' })
    expect(target).toEqual({ task: 'regression', outputs: ['v', 'u'], values: Float64Array.of(2, 1, Number.NaN, Number.NaN) })
    expect([...labelled]).toEqual([0])
  })

  test('a split is read if there is one, and need not be whole', async () => {
    const folder = folderOf({ 'mri.csv': 'id,volume\np1,1\np2,2\n', 'split.csv': 'id,split\np2,test\np7,train\n' })
    const { splits, notes } = await readFolder(folder, { expected: MODEL, target: 'optional' })
    expect(splits).toMatchObject({ train: new Int32Array(0), test: Int32Array.of(1) })
    expect(notes.filter((note) => note.includes('split'))).toEqual([])
  })

  test('the rows of a folder with required labels are those of labels.csv', async () => {
    const folder = folderOf({ 'mri.csv': 'id,volume\np1,1\np2,2\np3,3\n', 'labels.csv': 'id,label\np3,well\np1,well\n' })
    const { data } = await readFolder(folder, { expected: MODEL })
    expect(data.ids).toEqual(['p3', 'p1'])
    expect(data.target).toMatchObject({ classes: ['well', 'ill'], labels: Int32Array.of(0, 0) })
  })
})

const mri = (text: string) => ({ 'mri.csv': text })
const expected = { expected: MODEL, target: 'optional' } as const

refuses('what a model cannot use', [
  [
    { 'other.csv': CLINICAL },
    'DataError: "DIR" holds none of the model\'s modalities, which are "clinical", "mri": give the file of one at least',
    expected,
  ],
  [{ 'clinical.csv': 'id,x\np1,1' }, 'FormatError: clinical.csv lacks 2 columns that the model needs: "age", "stage"', expected],
  [
    mri('id,volume\np1,1\np2,big'),
    'DataError: mri.csv line 3: column "volume" holds "big", the model was trained on numbers here: give a number, or leave the cell empty if it is unknown',
    expected,
  ],
  [
    mri('id,volume\np1,a\np2,b'),
    'DataError: mri.csv line 2: column "volume" holds "a", the model was trained on numbers here: give a number, or leave the cell empty if it is unknown',
    expected,
  ],
  [
    mri('id,volume\np1,NaN'),
    'DataError: mri.csv line 2: column "volume" holds "NaN": give a number, or leave the cell empty if it is unknown',
    expected,
  ],
  [
    { ...mri('id,volume\np1,1'), 'labels.csv': 'id,label\np1,sick' },
    'DataError: labels.csv line 2: column "label" holds "sick", the model knows the classes "well", "ill"',
    expected,
  ],
  [mri('id,volume\np1,1'), 'DataError: "DIR" has no labels.csv: give one with the columns "id" and "label"', { expected: MODEL }],
])

const SHARED = join(import.meta.dirname, '../../../shared/datasets')

describe.runIf(existsSync(SHARED))('the acceptance data', () => {
  const sizes = async (name: string, options?: ReadOptions & { target?: 'required' }) => {
    const { data, splits } = await readFolder(join(SHARED, name), options)
    checkDataset(data)
    return {
      rows: data.ids.length,
      features: Object.fromEntries(data.modalities.map(({ name, columns }) => [name, columns.length])),
      classes: data.target.task === 'classification' ? data.target.classes.length : 0,
      splits: splits && [splits.train.length, splits.test.length],
    }
  }

  test('rosmap', async () => {
    const features = { mrna: 200, methylation: 200, mirna: 200 }
    expect(await sizes('rosmap')).toEqual({ rows: 351, features, classes: 2, splits: [245, 106] })
  })

  test('ad_csf', async () => {
    const features = { demographics: 2, genotype: 3, csf_core: 3, protein_panel: 124 }
    expect(await sizes('ad_csf')).toEqual({ rows: 333, features, classes: 2, splits: [267, 66] })
    expect(await sizes('ad_csf', { split: 'splits_10x80_20.csv:s3' })).toMatchObject({ rows: 333, splits: [266, 67] })
  })

  test('breast_tcga: no test row has the protein modality', async () => {
    const features = { mrna: 200, mirna: 184, protein: 142 }
    expect(await sizes('breast_tcga')).toEqual({ rows: 220, features, classes: 3, splits: [150, 70] })
    const { data, splits } = await readFolder(join(SHARED, 'breast_tcga'))
    const protein = data.modalities[2].present
    expect([splits!.train.every((row) => protein[row] === 1), splits!.test.some((row) => protein[row] === 1)]).toEqual([
      true,
      false,
    ])
    expect(presence(data).patterns).toEqual([
      { modalities: ['mrna', 'mirna', 'protein'], rows: 150 },
      { modalities: ['mrna', 'mirna'], rows: 70 },
    ])
  })

  test('handwritten', async () => {
    const features = { pix: 240, fou: 76, fac: 216, zer: 47, kar: 64, mor: 6 }
    expect(await sizes('handwritten')).toEqual({ rows: 2000, features, classes: 10, splits: [1600, 400] })
  })

  test('nutrimouse', async () => {
    expect(await sizes('nutrimouse')).toEqual({ rows: 40, features: { gene: 120, lipid: 21 }, classes: 2, splits: undefined })
  })
})
