// Products with quantized matrices, on activations rounded to 8 bits in groups of 64.
//
// Within a group everything is whole numbers, and exact; groups are added in their order. So a
// token's result is the same bit for bit, alone or among others.
#pragma once
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "matrix.h"
#include "vectors.h"

constexpr long GROUP = 64;
constexpr long WORDS = GROUP / 4;   // of four codes
constexpr long TOKENS = 4;          // computed together: their sums fill the registers
// Threads take long runs of panels first, because each run begins with memory that nobody
// fetched ahead, and short ones at the end, because another thread may be slower.
constexpr long PANELS_AT_ONCE = 4;

inline void* allocate(long bytes) { return aligned_alloc(64, (bytes + 63) / 64 * 64); }

// Activations (tokens, columns) in groups: values, one scale, the sum of the values.
struct Rounded {
  long groups;
  int8_t* values;
  float* scales;
  int32_t* sums;
  Rounded(long tokens, long columns)
      : groups(columns / GROUP),
        values(static_cast<int8_t*>(allocate(tokens * columns))),
        scales(static_cast<float*>(allocate(tokens * groups * 4))),
        sums(static_cast<int32_t*>(allocate(tokens * groups * 4))) {}
  ~Rounded() { free(values), free(scales), free(sums); }
  Rounded(const Rounded&) = delete;
};

// The codes of R rows, four columns of each row beside the other rows' four, with their scales
// and zeros: what many tokens read in turn.
template <long R> struct Panel {
  uint32_t* words;  // (groups, WORDS, R)
  float* scales;    // (groups, R)
  int32_t* zeros;   // (groups, R)
  explicit Panel(long groups)
      : words(static_cast<uint32_t*>(allocate(groups * WORDS * R * 4))),
        scales(static_cast<float*>(allocate(groups * R * 4))),
        zeros(static_cast<int32_t*>(allocate(groups * R * 4))) {}
  ~Panel() { free(words), free(scales), free(zeros); }
  Panel(const Panel&) = delete;
};

// Round a group to 8 bits. For 4-bit codes the even columns come first, as a byte holds them.
template <int BITS>
void round_group(const float* from, int8_t* values, float* scale, int32_t* total) {
  __m256 most = _mm256_setzero_ps(), broken = _mm256_setzero_ps();
  for (long k = 0; k < GROUP; k += LANES) {
    most = _mm256_max_ps(most, _mm256_andnot_ps(_mm256_set1_ps(-0.0f), load(from + k)));
    broken = _mm256_fmadd_ps(load(from + k), _mm256_setzero_ps(), broken);
  }
  float lanes[LANES], largest = 0;
  store(lanes, most);
  for (float lane : lanes) largest = lane > largest ? lane : largest;
  // A NaN is not larger than anything and would vanish here; times zero it stays one.
  *scale = largest / 127 + sum(broken);
  const __m256 inverse = _mm256_set1_ps(largest > 0 ? 127 / largest : 0);
  int32_t whole[GROUP], added = 0;
  for (long k = 0; k < GROUP; k += LANES)
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(whole + k),
                        _mm256_cvtps_epi32(_mm256_mul_ps(load(from + k), inverse)));
  for (long k = 0; k < GROUP; k++) {
    added += whole[k];
    values[BITS == 8 ? k : k % 2 * (GROUP / 2) + k / 2] = static_cast<int8_t>(whole[k]);
  }
  *total = added;
}

template <int BITS> void round_activations(const float* from, long tokens, Rounded& to) {
#pragma omp parallel for schedule(static) if (tokens > 1)
  for (long group = 0; group < tokens * to.groups; group++)
    round_group<BITS>(from + group * GROUP, to.values + group * GROUP, to.scales + group,
                      to.sums + group);
}

inline const uint8_t* codes_of(const Matrix& matrix) {
  return static_cast<const uint8_t*>(matrix.values);
}

// Rows past the end of a matrix are its last one again; nothing of them is kept.
inline long row_within(const Matrix& matrix, long row) {
  return row < matrix.rows ? row : matrix.rows - 1;
}

// Lay the scales and zeros of R rows beside each other, group by group.
template <int BITS, long R>
void gather_scales(const Matrix& matrix, long first, long groups, Panel<R>& panel) {
  long rows[R];
  for (long r = 0; r < R; r++) rows[r] = row_within(matrix, first + r);
  long g = 0;
  for (; BITS == 4 && g + LANES <= groups; g += LANES)
    for (long r = 0; r < R; r += LANES) {
      __m256 scales[LANES], zeros[LANES];
      for (long i = 0; i < LANES; i++) {
        const long at = rows[r + i] * groups + g;
        scales[i] = load(matrix.scales + at);
        zeros[i] = _mm256_castsi256_ps(_mm256_cvtepu8_epi32(
            _mm_loadl_epi64(reinterpret_cast<const __m128i*>(matrix.zeros + at))));
      }
      transpose(scales);
      transpose(zeros);
      for (long i = 0; i < LANES; i++) {
        store(panel.scales + (g + i) * R + r, scales[i]);
        store(reinterpret_cast<float*>(panel.zeros) + (g + i) * R + r, zeros[i]);
      }
    }
  for (; g < groups; g++)
    for (long r = 0; r < R; r++) {
      panel.scales[g * R + r] = matrix.scales[BITS == 8 ? rows[r] : rows[r] * groups + g];
      panel.zeros[g * R + r] = BITS == 8 ? 128 : matrix.zeros[rows[r] * groups + g];
    }
}

// Return total + (products - zero * sum) * scales: what a group adds to eight rows of a token.
inline __m256 add_group(__m256 total, __m256i products, const int32_t* zeros, const float* scales,
                        const Rounded& x, long group) {
  const __m256i shift = _mm256_mullo_epi32(
      _mm256_load_si256(reinterpret_cast<const __m256i*>(zeros)), _mm256_set1_epi32(x.sums[group]));
  const __m256 scale = _mm256_mul_ps(load(scales), _mm256_set1_ps(x.scales[group]));
  return _mm256_fmadd_ps(_mm256_cvtepi32_ps(_mm256_sub_epi32(products, shift)), scale, total);
}

inline void keep(float* out, __m256 v, long count) {
  if (count >= LANES) return store(out, v);
  float lanes[LANES];
  store(lanes, v);
  for (long i = 0; i < count; i++) out[i] = lanes[i];
}

// Eight rows of one token: the codes are read where they lie.
template <int BITS>
void multiply_one(const Matrix& matrix, long first, const Rounded& x, Panel<LANES>& panel,
                  float* out) {
  const long group_bytes = GROUP * BITS / 8, row_bytes = x.groups * group_bytes;
  const __m256i mask = _mm256_set1_epi8(15), flip = _mm256_set1_epi8(-128);
  gather_scales<BITS>(matrix, first, x.groups, panel);
  const uint8_t* rows[LANES];
  for (long r = 0; r < LANES; r++) rows[r] = codes_of(matrix) + row_within(matrix, first + r) * row_bytes;
  const char* next = reinterpret_cast<const char*>(rows[0] + LANES * row_bytes);
  __m256 total = _mm256_setzero_ps();
  for (long g = 0; g < x.groups; g++) {
    const __m256i* values = reinterpret_cast<const __m256i*>(x.values + g * GROUP);
    __m256i parts[LANES];
    for (long r = 0; r < LANES; r++) {
      const __m256i* codes = reinterpret_cast<const __m256i*>(rows[r] + g * group_bytes);
      __m256i low = _mm256_loadu_si256(codes), high;
      // The next panel in the order of its bytes, because memory likes one stream better than
      // eight; to the second cache, because two panels of a long row outgrow the first.
      _mm_prefetch(next + (g * LANES + r) * group_bytes, _MM_HINT_T1);
      if (BITS == 8) {
        high = _mm256_xor_si256(_mm256_loadu_si256(codes + 1), flip);
        low = _mm256_xor_si256(low, flip);
      } else {
        high = _mm256_and_si256(_mm256_srli_epi16(low, 4), mask);
        low = _mm256_and_si256(low, mask);
      }
      parts[r] = add_products<BITS>(_mm256_setzero_si256(), low, _mm256_loadu_si256(values));
      parts[r] = add_products<BITS>(parts[r], high, _mm256_loadu_si256(values + 1));
    }
    total = add_group(total, sums(parts), panel.zeros + g * LANES, panel.scales + g * LANES, x, g);
  }
  keep(out + first, total, matrix.rows - first);
}

template <int BITS, long R>
void unpack(const Matrix& matrix, long first, long groups, Panel<R>& panel) {
  gather_scales<BITS>(matrix, first, groups, panel);
  for (long r = 0; r < R; r++) {
    const uint8_t* row = codes_of(matrix) + row_within(matrix, first + r) * groups * GROUP * BITS / 8;
    for (long i = 0; i < groups * WORDS * BITS / 8; i++) {
      uint32_t word;
      memcpy(&word, row + 4 * i, 4);
      if (BITS == 8) {
        panel.words[i * R + r] = word ^ 0x80808080u;
        continue;
      }
      uint32_t* low = panel.words + (i / (WORDS / 2) * WORDS + i % (WORDS / 2)) * R + r;
      low[0] = word & 0x0f0f0f0fu;
      low[WORDS / 2 * R] = word >> 4 & 0x0f0f0f0fu;
    }
  }
}

// T tokens with sixteen rows: each word of codes that is loaded serves all of them.
template <int BITS, long T>
void multiply_tile(const Panel<2 * LANES>& panel, const Rounded& x, long token, float* out,
                   long stride, long count) {
  __m256 totals[T][2];
  for (auto& total : totals) total[0] = total[1] = _mm256_setzero_ps();
  for (long g = 0; g < x.groups; g++) {
    __m256i parts[T][2];
    for (auto& part : parts) part[0] = part[1] = _mm256_setzero_si256();
    for (long j = 0; j < WORDS; j++) {
      const __m256i* codes =
          reinterpret_cast<const __m256i*>(panel.words + (g * WORDS + j) * 2 * LANES);
      const __m256i first = _mm256_load_si256(codes), second = _mm256_load_si256(codes + 1);
      for (long t = 0; t < T; t++) {
        int32_t word;
        memcpy(&word, x.values + ((token + t) * x.groups + g) * GROUP + 4 * j, 4);
        const __m256i values = _mm256_set1_epi32(word);
        parts[t][0] = add_products<BITS>(parts[t][0], first, values);
        parts[t][1] = add_products<BITS>(parts[t][1], second, values);
      }
    }
    for (long t = 0; t < T; t++)
      for (long half = 0; half < 2; half++) {
        const long at = g * 2 * LANES + half * LANES;
        totals[t][half] = add_group(totals[t][half], parts[t][half], panel.zeros + at,
                                    panel.scales + at, x, (token + t) * x.groups + g);
      }
  }
  for (long t = 0; t < T; t++) {
    keep(out + t * stride, totals[t][0], count);
    if (count > LANES) keep(out + t * stride + LANES, totals[t][1], count - LANES);
  }
}

template <int BITS>
void multiply_many(const Matrix& matrix, long first, const Rounded& x, long tokens,
                   Panel<2 * LANES>& panel, float* out, long stride) {
  unpack<BITS>(matrix, first, x.groups, panel);
  const long count = matrix.rows - first;
  long token = 0;
  for (; token + TOKENS <= tokens; token += TOKENS)
    multiply_tile<BITS, TOKENS>(panel, x, token, out + token * stride + first, stride, count);
  for (; token < tokens; token++)
    multiply_tile<BITS, 1>(panel, x, token, out + token * stride + first, stride, count);
}

// Write to ``out`` (tokens, stride) what matrices that share their input make of it, side by side.
template <int BITS>
void multiply_codes(const Matrix* matrices, long count, const float* from, long tokens, long columns,
                    float* out, long stride) {
  Rounded x(tokens, columns);
  round_activations<BITS>(from, tokens, x);
#pragma omp parallel
  {
    Panel<LANES> narrow(tokens == 1 ? x.groups : 0);
    Panel<2 * LANES> wide(tokens == 1 ? 0 : x.groups);
    float* to = out;
    for (long i = 0; i < count; to += matrices[i++].rows) {
      const long rows = tokens == 1 ? LANES : 2 * LANES;
#pragma omp for schedule(guided, PANELS_AT_ONCE) nowait
      for (long panel = 0; panel < (matrices[i].rows + rows - 1) / rows; panel++) {
        if (tokens == 1)
          multiply_one<BITS>(matrices[i], panel * rows, x, narrow, to);
        else
          multiply_many<BITS>(matrices[i], panel * rows, x, tokens, wide, to, stride);
      }
    }
  }
}
