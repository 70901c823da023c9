// Attention of one token to all that are in the cache, itself included.
#pragma once
#include <math.h>
#include <stdlib.h>

#include "vectors.h"

// One head: its query (size), its part of the cache (length, size). ``scores`` is room (length).
template <typename T>
void attend_head(const float* query, const T* keys, const T* values, long length, long size,
                 float* scores, float* out) {
  const float scale = 1 / sqrtf(static_cast<float>(size));
  float most = -INFINITY;
  for (long j = 0; j < length; j++) {
    __m256 totals[2] = {_mm256_setzero_ps(), _mm256_setzero_ps()};
    for (long d = 0; d < size; d += 2 * LANES)
      for (long i = 0; i < 2; i++) {
        const long at = d + i * LANES;
        totals[i] = _mm256_fmadd_ps(load(query + at), load(keys + j * size + at), totals[i]);
      }
    scores[j] = sum(_mm256_add_ps(totals[0], totals[1])) * scale;
    most = scores[j] > most ? scores[j] : most;
  }
  for (long j = length; j % LANES; j++) scores[j] = -INFINITY;
  __m256 total = _mm256_setzero_ps();
  for (long j = 0; j < length; j += LANES) {
    const __m256 weight = exponential(_mm256_sub_ps(load(scores + j), _mm256_set1_ps(most)));
    store(scores + j, weight);
    total = _mm256_add_ps(total, weight);
  }
  // The lanes past the end hold e^-87 each, which changes no sum.
  const float inverse = 1 / sum(total);
  for (long d = 0; d < size; d += 2 * LANES) {
    __m256 mixed[2] = {_mm256_setzero_ps(), _mm256_setzero_ps()};
    for (long j = 0; j < length; j++)
      for (long i = 0; i < 2; i++)
        mixed[i] = _mm256_fmadd_ps(_mm256_set1_ps(scores[j]),
                                   load(values + j * size + d + i * LANES), mixed[i]);
    for (long i = 0; i < 2; i++)
      store(out + d + i * LANES, _mm256_mul_ps(mixed[i], _mm256_set1_ps(inverse)));
  }
}

// All heads: ``query`` and ``out`` (heads, size), keys and values (heads, capacity, size).
template <typename T>
void attend_one(const float* query, const T* keys, const T* values, long heads, long size,
                long capacity, long length, float* out) {
#pragma omp parallel
  {
    float* scores = static_cast<float*>(aligned_alloc(32, (length + LANES) / LANES * LANES * 4));
#pragma omp for schedule(dynamic)
    for (long h = 0; h < heads; h++)
      attend_head(query + h * size, keys + h * capacity * size, values + h * capacity * size,
                  length, size, scores, out + h * size);
    free(scores);
  }
}
