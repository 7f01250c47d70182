// What docs/THEORY.md shows.

import { sharedError, type Theory } from '../../src/experiments/theory.ts'
import { VIEWS, type View } from '../../src/experiments/views.ts'
import { heatMap } from './heat-map.ts'
import { lineChart } from './line-chart.ts'

export const VIEW_NAMES: Record<View, string> = {
  same: "the student's view",
  half: 'half of it',
  other: 'another view',
}

/** The figures of the experiment as SVG documents, by file name. @throws ConfigError when Vega is not installed */
export async function theoryFigures(result: Theory): Promise<Record<string, string>> {
  return {
    'sharing-error.svg': await errorFigure(result),
    'sharing-slope.svg': await slopeFigure(result),
    'sharing-views.svg': await viewsFigure(result),
  }
}

/** Values of a grid, each once, in order. */
export const distinct = (values: readonly number[]): number[] => [...new Set(values)]

const CURVE = Array.from({ length: 81 }, (_, i) => i / 20)

function errorFigure({ drawn }: Theory): Promise<string> {
  return lineChart({
    title: "A student's error after sharing: closed form (curves) and measured (points)",
    x: { title: 'ρ' },
    y: { title: 'E|e|², alone = 1' },
    lineTitle: 'correlation of errors',
    level: 1,
    panels: [0.5, 1, 4].map((teacherError) => ({
      title: `teacher's error ${teacherError}`,
      lines: drawn
        .filter(({ setting }) => setting.teacherError === teacherError)
        .map(({ setting, expected, shared }) => ({
          name: String(setting.correlation),
          curve: CURVE.map((rho) => ({ x: rho, y: sharedError(expected, rho) })),
          points: shared.map(({ rho, error }) => ({ x: rho, y: error.measured, se: error.se })),
        })),
    })),
  })
}

function slopeFigure({ drawn }: Theory): Promise<string> {
  const errors = distinct(drawn.map(({ setting }) => setting.teacherError))
  const correlations = distinct(drawn.map(({ setting }) => setting.correlation))
  const values = (kind: 'expected' | 'measured') =>
    errors.map((teacherError) =>
      correlations.map((correlation) => {
        const cell = drawn.find(({ setting: s }) => s.teacherError === teacherError && s.correlation === correlation)
        return cell ? cell.slope[kind] : null
      }),
    )
  return heatMap({
    title: "Slope of a student's error at ρ = 0: sharing helps where it is negative",
    valueTitle: 'slope',
    rows: { title: "teacher's error", names: errors.map(String) },
    columns: { title: 'correlation of errors', names: correlations.map(String) },
    panels: [
      { title: 'closed form', values: values('expected') },
      { title: 'measured', values: values('measured') },
    ],
  })
}

function viewsFigure({ fitted }: Theory): Promise<string> {
  const noises = distinct(fitted.map(({ setting }) => setting.noise))
  return lineChart({
    title: 'Least squares: slope of the error at ρ = 0, closed form (lines) and measured (points)',
    x: { title: "correlation of the labels' noise" },
    y: { title: 'slope' },
    lineTitle: "teacher's noise",
    level: 0,
    panels: VIEWS.map((view) => ({
      title: `teacher sees ${VIEW_NAMES[view]}`,
      lines: noises.map((noise) => {
        const cells = fitted.filter(({ setting }) => setting.view === view && setting.noise === noise)
        const point = (kind: 'expected' | 'measured') =>
          cells.map(({ setting, slope }) => ({
            x: setting.correlation,
            y: slope[kind],
            se: kind === 'measured' ? slope.se : undefined,
          }))
        return { name: String(noise), curve: point('expected'), points: point('measured') }
      }),
    })),
  })
}
