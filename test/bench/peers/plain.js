// Plain JavaScript over Float32Array: what one would write without a library.

/** c (M,N) = a (M,K) · bᵀ, b (N,K): rows of a against rows of b. */
export function plainNT(c, a, b, M, N, K) {
  for (let i = 0; i < M; i++) {
    for (let j = 0; j < N; j++) {
      let sum = 0
      for (let k = 0; k < K; k++) sum += a[i * K + k] * b[j * K + k]
      c[i * N + j] = sum
    }
  }
}
