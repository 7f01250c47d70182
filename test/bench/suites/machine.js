// What the machine gives: the limits that the other suites' figures stand beside.

import { openProbe } from '../machine.js'
import { interleave, summary } from '../rounds.js'

export async function run({ record, rounds = 9, wants }) {
  if (!wants('machine/fma-peak', 'machine/muladd-peak', 'machine/triad')) return
  const { fma, muladd, triad, fmaRate, muladdRate, triadRate } = openProbe(true)
  const times = await interleave({ fma, muladd, triad }, { rounds })
  record({ id: 'machine/fma-peak', unit: 'GFLOP/s', ...summary(times.fma.cpu.map(fmaRate)) })
  record({ id: 'machine/muladd-peak', unit: 'GFLOP/s', ...summary(times.muladd.cpu.map(muladdRate)) })
  record({ id: 'machine/triad', unit: 'GB/s', ...summary(times.triad.cpu.map(triadRate)) })
}
