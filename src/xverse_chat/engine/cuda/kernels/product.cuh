// Rows of a matrix times the inputs, from the pieces in the rings.
#pragma once

#include "inputs.cuh"

// float16 of 1024 + u is 0x6400 | u: bits moved into place make floats of integers.
#define HALF_1024 0x64646464u
#define CODE_8_BIAS 1152.0f  // codes of 8 bits are stored from 0: 1024 + 128

// Of a unit, as words: step `s` of its multiplication with the inputs of all units of its piece.
// Only the unit's own column of the result counts.
template <int BITS>
DEVICE void multiply_step(float (&c)[4], const u32 (&raw)[4], int s,
                          const u32 (&x)[Unit<BITS>::OWN / 2]) {
  if constexpr (BITS == 8) {
    const u32 low = 0x4140, high = 0x4342;  // bytes 0 and 1, or 2 and 3, each below a 0x64
    mma_half(c, __byte_perm(raw[2 * s], HALF_1024, low), __byte_perm(raw[2 * s + 1], HALF_1024, low),
             __byte_perm(raw[2 * s], HALF_1024, high),
             __byte_perm(raw[2 * s + 1], HALF_1024, high), x[2 * s], x[2 * s + 1]);
  } else {
    // Row r as 1024 + code, row r + 8 as 1024 + 16 * code: taken off again with the zero points.
    const u32 word = raw[s], next = word >> 8;
    const u32 low = 0x000f000fu, high = 0x00f000f0u, base = 0x64006400u;
    mma_half(c, and_or(word, low, base), and_or(word, high, base), and_or(next, low, base),
             and_or(next, high, base), x[2 * s], x[2 * s + 1]);
  }
}

DEVICE float sum_of_steps(const float (&c)[2][4], int place) { return c[0][place] + c[1][place]; }
DEVICE float sum_of_steps(const float (&c)[4][4], int place) {
  return c[0][place] + c[1][place] + (c[2][place] + c[3][place]);
}

// A tile of 16 rows: what one warp adds to it with its share of the columns. Lane 4r + q takes the
// sums of rows r and r + 8 over the units 2q and 2q + 1 of each piece; at the end all q have both.
template <int BITS, int K, int STAGES>
DEVICE void multiply_tile(Ring<STAGES>& ring, const Inputs<BITS, K>& x, float (&total)[2]) {
  typedef Plan<BITS, K> P;
  const int lane = threadIdx.x % 32, q = lane % 4, warp = threadIdx.x / 32 % WARPS;
  total[0] = total[1] = 0.0f;
#pragma unroll
  for (int p = 0; p < P::PIECES; ++p) {
    const int units = P::IS_EVEN ? P::U::IN_PIECE
                                 : min(P::U::IN_PIECE, P::units(warp) - p * P::U::IN_PIECE);
    if (units <= 0) break;
    const u8* stage = ring.take();
    const uint4* codes = (const uint4*)stage + lane;
    float own[2][2] = {};  // [unit 2q or 2q + 1][row r or r + 8]
#pragma unroll
    for (int j = 0; j < P::U::IN_PIECE; ++j) {
      if (P::IS_EVEN || j < units) {
        const uint4 words = codes[j * 32];
        const u32 raw[4] = {words.x, words.y, words.z, words.w};
        // One step does not wait for the other: each has a result of its own.
        float c[P::U::STEPS][4] = {};
#pragma unroll
        for (int s = 0; s < P::U::STEPS; ++s) multiply_step<BITS>(c[s], raw, s, x.pairs[p]);
        if (j / 2 == q) {
          own[j % 2][0] = sum_of_steps(c, j % 2);
          own[j % 2][1] = sum_of_steps(c, 2 + j % 2);
        }
      }
    }
    if constexpr (BITS == 4) {
      const u8* behind = stage + units * P::U::BYTES;
      const uint2 scales = *(const uint2*)(behind + lane * 8);
      const u32 zeros = *(const u16*)(behind + 256 + lane * 2);
#pragma unroll
      for (int i = 0; i < 2; ++i) {
        const float sum = x.sums[p][i];
        const float zero0 = 1024.0f + (float)(zeros >> 4 * i & 15u);
        const float zero1 = 64.0f + (float)(zeros >> (8 + 4 * i) & 15u);
        const u16 scale0 = (u16)(scales.x >> 16 * i), scale1 = (u16)(scales.y >> 16 * i);
        total[0] += half_to_float(scale0) * (own[i][0] - zero0 * sum);
        total[1] += half_to_float(scale1) * (own[i][1] * 0.0625f - zero1 * sum);
      }
    } else {
      total[0] += own[0][0] + own[1][0];
      total[1] += own[0][1] + own[1][1];
    }
    ring.give_back();
  }
#pragma unroll
  for (int i = 0; i < 2; ++i) {
    total[i] += shuffle_xor(total[i], 1);
    total[i] += shuffle_xor(total[i], 2);
    if (BITS == 8) total[i] -= CODE_8_BIAS * x.sums[0][0];
  }
}

// One row of 16-bit weights; all lanes get its product.
template <int K, int STAGES>
DEVICE float multiply_row(Ring<STAGES>& ring, const Inputs<16, K>& x) {
  const int lane = threadIdx.x % 32;
  float sums[4] = {};
#pragma unroll
  for (int first = 0; first < K; first += ROW_PIECE) {
    const u8* stage = ring.take();
    const int columns = K - first < ROW_PIECE ? K - first : ROW_PIECE;
#pragma unroll 4
    for (int i = lane * 8; i < columns; i += 256) {
      float weights[8], values[8];
      unpack8(*(const uint4*)(stage + 2 * i), weights);
      unpack8(*(const uint4*)(x.values + first + i), values);
#pragma unroll
      for (int j = 0; j < 8; ++j) sums[j % 4] += weights[j] * values[j];
    }
    ring.give_back();
  }
  return sum_of_warp(sums[0] + sums[1] + (sums[2] + sums[3]));
}
