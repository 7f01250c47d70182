// Folders whose names are out to break a page, and models of them.

import { below, csv, metafusion, QUICK, scored, treeOf } from '../command.ts'

export const SCRIPT = '<script>alert(1)</script>'
export const QUOTES = `mri "T1" 'b' & <b>`

const IDS = Array.from({ length: 90 }, (_, i) => `p${i}`)
const wave = (i: number, j: number) => Math.sin(i * (j + 2) + j).toFixed(3)
const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`

/** Three classes, two modalities that some lack. */
export const nasty = (): Record<string, string> => ({
  'mri.csv': csv(
    ['id', 'volume', quoted('</td><i>"thick"')],
    ...IDS.flatMap((id, i) => (i % 4 === 3 ? [] : [[id, Number(wave(i, 0)) + (i % 3), wave(i, 1)]])),
  ),
  'blood.csv': csv(
    ['id', 'tau', 'abeta'],
    ...IDS.flatMap((id, i) => (i % 5 === 2 ? [] : [[id, wave(i, 2), Number(wave(i, 3)) - (i % 3 === 1 ? 2 : 0)]])),
  ),
  'labels.csv': csv(['id', 'label'], ...IDS.map((id, i) => [id, [SCRIPT, 'healthy', quoted('so "called" & co')][i % 3]])),
  'dataset.json': JSON.stringify({
    title: '</title><img src=x onerror=alert(2)>',
    id: 'id',
    task: 'classification',
    modalities: { [QUOTES]: 'mri.csv', blood: 'blood.csv' },
  }),
})

/** A folder with both studies, models of both, and their reports `nasty.html` and `scored.html`. */
export async function reports(): Promise<string> {
  const root = treeOf({ ...below('nasty', nasty()), ...below('scored', scored()), 'quick.json': QUICK })
  for (const name of ['nasty', 'scored']) {
    const model = `${name}.safetensors`
    const told = [
      await metafusion(root, 'train', name, '--out', model, '--config', 'quick.json'),
      await metafusion(root, 'report', model, name, '--out', `${name}.html`, '--intended-use', `<i>for "${name}"</i>`),
    ]
    for (const { code, stderr } of told) if (code !== 0) throw new Error(stderr)
  }
  return root
}
