/**
 * What else a model can be written as: an ONNX graph, a model of 8-bit weights. The same on every host; needs no kernels.
 * @module
 */

export { type OnnxOptions, onnxInput, writeOnnx } from '../src/formats/onnx.ts'
export { type QuantizeReport, quantize } from '../src/formats/quantize.ts'
