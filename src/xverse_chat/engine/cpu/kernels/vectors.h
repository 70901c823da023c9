// Eight lanes of 32 bits: what the kernels need of AVX2, and of VNNI where the processor has it.
#pragma once
#include <immintrin.h>
#include <stdint.h>

#include <initializer_list>

#if !defined(__AVX2__) || !defined(__FMA__) || !defined(__F16C__)
#error "The kernels need AVX2, FMA and F16C."
#endif

constexpr long LANES = 8;

inline float sum(__m256 v) {
  __m128 half = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
  half = _mm_add_ps(half, _mm_movehl_ps(half, half));
  return _mm_cvtss_f32(_mm_add_ss(half, _mm_movehdup_ps(half)));
}

// Return the sums of eight vectors, one in each lane.
inline __m256i sums(const __m256i v[LANES]) {
  __m256i pairs[4], fours[2];
  for (int i = 0; i < 4; i++)
    pairs[i] = _mm256_add_epi32(_mm256_unpacklo_epi32(v[2 * i], v[2 * i + 1]),
                                _mm256_unpackhi_epi32(v[2 * i], v[2 * i + 1]));
  for (int i = 0; i < 2; i++)
    fours[i] = _mm256_add_epi32(_mm256_unpacklo_epi64(pairs[2 * i], pairs[2 * i + 1]),
                                _mm256_unpackhi_epi64(pairs[2 * i], pairs[2 * i + 1]));
  return _mm256_add_epi32(_mm256_permute2x128_si256(fours[0], fours[1], 0x20),
                          _mm256_permute2x128_si256(fours[0], fours[1], 0x31));
}

// Turn rows of eight lanes into columns.
inline void transpose(__m256 v[LANES]) {
  __m256 pairs[LANES], fours[LANES];
  for (int i = 0; i < 4; i++) {
    pairs[2 * i] = _mm256_unpacklo_ps(v[2 * i], v[2 * i + 1]);
    pairs[2 * i + 1] = _mm256_unpackhi_ps(v[2 * i], v[2 * i + 1]);
  }
  for (int half = 0; half < 2; half++)
    for (int i = 0; i < 2; i++) {
      const __m256 first = pairs[4 * half + i], second = pairs[4 * half + 2 + i];
      fours[4 * half + 2 * i] = _mm256_shuffle_ps(first, second, 0x44);
      fours[4 * half + 2 * i + 1] = _mm256_shuffle_ps(first, second, 0xee);
    }
  for (int i = 0; i < 4; i++) {
    v[i] = _mm256_permute2f128_ps(fours[i], fours[4 + i], 0x20);
    v[4 + i] = _mm256_permute2f128_ps(fours[i], fours[4 + i], 0x31);
  }
}

// Add to each lane the products of four unsigned codes with four signed values.
// Codes of 4 bits are at most 15, those of 8 bits at most 255.
template <int BITS> inline __m256i add_products(__m256i total, __m256i codes, __m256i values) {
#if defined(__AVX512VNNI__) && defined(__AVX512VL__)
  return _mm256_dpbusd_epi32(total, codes, values);
#elif defined(__AVXVNNI__)
  return _mm256_dpbusd_avx_epi32(total, codes, values);
#else
  // Pairs of products must fit 16 bits: those of nibbles do, so 8 bits are two of them.
  const __m256i mask = _mm256_set1_epi8(15), one = _mm256_set1_epi16(1);
  __m256i low = BITS == 4 ? codes : _mm256_and_si256(codes, mask);
  total = _mm256_add_epi32(total, _mm256_madd_epi16(_mm256_maddubs_epi16(low, values), one));
  if (BITS == 4) return total;
  __m256i high = _mm256_and_si256(_mm256_srli_epi16(codes, 4), mask);
  return _mm256_add_epi32(total, _mm256_madd_epi16(_mm256_maddubs_epi16(high, values),
                                                   _mm256_set1_epi16(16)));
#endif
}

// Weights and cached keys come in three types; bfloat16 is the upper half of a float.
struct Half { uint16_t bits; };
struct BFloat16 { uint16_t bits; };

inline __m256 load(const float* from) { return _mm256_loadu_ps(from); }
inline __m256 load(const Half* from) {
  return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from)));
}
inline __m256 load(const BFloat16* from) {
  __m128i bits = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
  return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(bits), 16));
}
inline void store(float* to, __m256 v) { _mm256_storeu_ps(to, v); }
inline void store(Half* to, __m256 v) {
  // What float16 cannot hold becomes its largest number: an infinity would end in NaN.
  const __m256 most = _mm256_set1_ps(65504.0f);
  v = _mm256_max_ps(_mm256_sub_ps(_mm256_setzero_ps(), most), _mm256_min_ps(most, v));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm256_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT));
}

// Return e^v within 2e-7 of it: 2^n times the polynomial of what is left, |left| <= ln(2) / 2.
inline __m256 exponential(__m256 v) {
  // The second operand is what comes of a NaN here.
  v = _mm256_max_ps(_mm256_set1_ps(-87.0f), _mm256_min_ps(_mm256_set1_ps(88.0f), v));
  __m256 n = _mm256_round_ps(_mm256_mul_ps(v, _mm256_set1_ps(1.44269504f)),
                             _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  __m256 left = _mm256_fnmadd_ps(n, _mm256_set1_ps(0.693359375f), v);
  left = _mm256_fmadd_ps(n, _mm256_set1_ps(2.12194440e-4f), left);
  __m256 power = _mm256_set1_ps(1.0f / 720);
  for (float term : {1.0f / 120, 1.0f / 24, 1.0f / 6, 0.5f, 1.0f, 1.0f})
    power = _mm256_fmadd_ps(power, left, _mm256_set1_ps(term));
  __m256i exponent = _mm256_slli_epi32(_mm256_cvtps_epi32(n), 23);
  return _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(power), exponent));
}
