import type { TrainConfig } from '../../src/train/config.ts'
import { type Setting, settingOf } from '../../src/train/setting.ts'
import { module, QUICK, type Study } from '../recipe/studies.ts'

/** A study's setting, with the quick configuration and what is asked beyond it. */
export function settle({ data, splits }: Study, config: TrainConfig = {}): Setting {
  const work = settingOf(module, data, splits, { ...QUICK, ...config })
  let turn = work.next()
  while (!turn.done) turn = work.next()
  return turn.value
}
