// Products of matrices in 16 or 32 bits with one token: reading the weights is all there is to it.
#pragma once
#include "matrix.h"
#include "vectors.h"

constexpr long ROWS_AT_ONCE = 32;  // at least, that a thread takes: another may be slower
constexpr long CHAINS = 4;         // of sums that do not wait for each other

// The processor fetches one stream ahead by itself; telling it to, or reading two rows at once, cost
// a quarter of the speed. But where the activations alone fill the first cache it gains a third to
// have the weights in the second: measured at 2048, 4096, 5504 and 11008 columns.
constexpr long CROWDED_COLUMNS = 3072;
constexpr long AHEAD_BYTES = 8192;

template <typename T> float dot(const T* row, const float* x, long columns) {
  __m256 totals[CHAINS];
  for (__m256& total : totals) total = _mm256_setzero_ps();
  const bool is_crowded = columns > CROWDED_COLUMNS;
  long k = 0;
  for (; k + CHAINS * LANES <= columns; k += CHAINS * LANES) {
    if (is_crowded)
      _mm_prefetch(reinterpret_cast<const char*>(row + k) + AHEAD_BYTES, _MM_HINT_T1);
    for (long i = 0; i < CHAINS; i++)
      totals[i] = _mm256_fmadd_ps(load(row + k + i * LANES), load(x + k + i * LANES), totals[i]);
  }
  for (; k < columns; k += LANES)
    totals[0] = _mm256_fmadd_ps(load(row + k), load(x + k), totals[0]);
  return sum(_mm256_add_ps(_mm256_add_ps(totals[0], totals[1]), _mm256_add_ps(totals[2], totals[3])));
}

// Write to ``out`` what matrices that share their input ``x`` (columns) make of it, side by side.
template <typename T>
void multiply_floats(const Matrix* matrices, long count, const float* x, long columns, float* out) {
#pragma omp parallel
  {
    float* to = out;
    for (long i = 0; i < count; to += matrices[i++].rows) {
      const T* values = static_cast<const T*>(matrices[i].values);
#pragma omp for schedule(guided, ROWS_AT_ONCE) nowait
      for (long row = 0; row < matrices[i].rows; row++)
        to[row] = dot(values + row * columns, x, columns);
    }
  }
}
