/**
 * What only Node has: folders of files, the paper's studies, figures.
 * @module
 */

export { type BarChartSpec, barChart } from './figures/bar-chart.ts'
export { type HeatMapSpec, heatMap } from './figures/heat-map.ts'
export { type LineChartSpec, lineChart } from './figures/line-chart.ts'
export { NACC, RATS } from './sources/applications.ts'
export { type NaccOptions, readNacc } from './sources/nacc.ts'
export { type NeuralOptions, readNeural } from './sources/neural.ts'
export type { Application, Study } from './sources/study.ts'
export { readFolder } from './tables.ts'
