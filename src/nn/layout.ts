// A block is one contiguous array of parameters; its layout names the tensors in it. The same layout addresses parameters,
// gradients, optimizer moments and the tensors of a file. No other code computes an offset.

/** A named tensor of a block; offset and size in elements. */
export interface Tensor {
  readonly name: string
  readonly shape: readonly number[]
  readonly offset: number
  readonly size: number
}

export interface Layout {
  readonly tensors: readonly Tensor[]
  readonly size: number
}

/** Tensors one behind the other, in the order given. */
export function layoutOf(shapes: readonly (readonly [name: string, shape: readonly number[]])[]): Layout {
  let offset = 0
  const tensors = shapes.map(([name, shape]) => {
    const size = shape.reduce((a, b) => a * b, 1)
    const tensor = { name, shape, offset, size }
    offset += size
    return tensor
  })
  return { tensors, size: offset }
}
