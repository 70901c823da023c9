// What a layer does with each token by itself: norm, rotation, gate.
#pragma once
#include <math.h>
#include <string.h>

#include "vectors.h"

// RMS norm of (tokens, columns).
inline void norm_rows(const float* from, const float* weight, float epsilon, long tokens,
                      long columns, float* to) {
#pragma omp parallel for schedule(static) if (tokens > 1)
  for (long t = 0; t < tokens; t++) {
    const float* row = from + t * columns;
    __m256 squares = _mm256_setzero_ps();
    for (long k = 0; k < columns; k += LANES)
      squares = _mm256_fmadd_ps(load(row + k), load(row + k), squares);
    const __m256 scale = _mm256_set1_ps(1 / sqrtf(sum(squares) / columns + epsilon));
    for (long k = 0; k < columns; k += LANES)
      store(to + t * columns + k,
            _mm256_mul_ps(load(weight + k), _mm256_mul_ps(load(row + k), scale)));
  }
}

// Rotate the halves of one head (size) by the angles of its position, from q or k to ``to``.
template <typename T>
void rotate_head(const float* from, const float* cosines, const float* sines, long size, T* to) {
  const long half = size / 2;
  for (long d = 0; d < half; d += LANES) {
    const __m256 first = load(from + d), second = load(from + half + d);
    const __m256 cosine = load(cosines + d), sine = load(sines + d);
    store(to + d, _mm256_fnmadd_ps(second, sine, _mm256_mul_ps(first, cosine)));
    store(to + half + d, _mm256_fmadd_ps(first, sine, _mm256_mul_ps(second, cosine)));
  }
}

// Take apart q, k and v (tokens, 3 * heads * size): q is rotated where it is; k, rotated, and v go
// to the cache (heads, capacity, size) from position ``first`` on. Angles are (tokens, size / 2).
template <typename T>
void rotate_and_keep(float* qkv, const float* cosines, const float* sines, long tokens, long heads,
                     long size, T* keys, T* values, long capacity, long first) {
  const long width = heads * size, half = size / 2;
#pragma omp parallel for schedule(static) if (tokens > 1)
  for (long t = 0; t < tokens; t++) {
    const float *cosine = cosines + t * half, *sine = sines + t * half;
    for (long h = 0; h < heads; h++) {
      float* q = qkv + t * 3 * width + h * size;
      const long place = (h * capacity + first + t) * size;
      rotate_head(q, cosine, sine, size, q);
      rotate_head(q + width, cosine, sine, size, keys + place);
      for (long d = 0; d < size; d += LANES) store(values + place + d, load(q + 2 * width + d));
    }
  }
}

// SiLU of the first half of (tokens, 2 * columns), times the second half.
inline void gate_rows(const float* from, long tokens, long columns, float* to) {
#pragma omp parallel for schedule(static) if (tokens > 1)
  for (long t = 0; t < tokens; t++)
    for (long k = 0; k < columns; k += LANES) {
      const __m256 gate = load(from + t * 2 * columns + k);
      const __m256 up = load(from + t * 2 * columns + columns + k);
      const __m256 one = _mm256_set1_ps(1);
      const __m256 below = _mm256_add_ps(one, exponential(_mm256_sub_ps(_mm256_setzero_ps(), gate)));
      store(to + t * columns + k, _mm256_mul_ps(_mm256_div_ps(gate, below), up));
    }
}
