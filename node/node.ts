/**
 * What only Node has: folders of files, the paper's studies, figures.
 * @module
 */

export { type BarChartSpec, barChart } from './figures/bar-chart.ts'
export { type HeatMapSpec, heatMap } from './figures/heat-map.ts'
export { type LineChartSpec, lineChart, type Point } from './figures/line-chart.ts'
export type { ExpectedColumn, ExpectedModality } from './modality-file.ts'
export { type PredictFolderOptions, predictFolder } from './predict-folder.ts'
export { NACC, RATS } from './sources/applications.ts'
export { type NaccOptions, readNacc } from './sources/nacc.ts'
export { type NeuralOptions, readNeural } from './sources/neural.ts'
export type { Application, Study } from './sources/study.ts'
export type { FixedSplits } from './split-file.ts'
export { type Expected, type Folder, type LabelledFolder, type ReadOptions, readFolder } from './tables.ts'
export type { Outcome } from './target.ts'
