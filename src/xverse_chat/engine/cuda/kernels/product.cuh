// Rows of a matrix times the inputs, from the pieces in the rings.
#pragma once

#include "inputs.cuh"

// A unit times the inputs: all lanes get columns 2q and 2q + 1 of rows r and r + 8.
template <int BITS>
DEVICE void multiply_unit(int (&c)[4], const uint4& raw, const u32 (&x)[Unit<BITS>::OWN / 4]) {
  c[0] = c[1] = c[2] = c[3] = 0;
  if constexpr (BITS == 8) {
    mma_signed(c, raw.x, raw.y, raw.z, raw.w, x[0], x[1]);
  } else {
    // Row r has the low halves of bytes, row r + 8 the high ones: those stay 16 times their codes.
    const u32 low = 0x0f0f0f0fu, high = 0xf0f0f0f0u;
    mma_unsigned(c, raw.x & low, raw.x & high, raw.y & low, raw.y & high, x[0], x[1]);
    mma_unsigned(c, raw.z & low, raw.z & high, raw.w & low, raw.w & high, x[2], x[3]);
  }
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
    // [units 0 to 3, or 4 to 7][even or odd unit][row r or r + 8]: the high part of one of the
    // units that q % 2 names where q < 2, else the low part.
    int parts[2][2][2];
#pragma unroll
    for (int j = 0; j < P::U::IN_PIECE; ++j) {
      // Where a unit is missing, what lies there is multiplied with zeros.
      int c[4];
      multiply_unit<BITS>(c, codes[j * 32], x.units[p][j / 4]);
      if (j % 4 < 2 || q % 2 == 1) {
        parts[j / 4][j % 2][0] = c[j % 2];
        parts[j / 4][j % 2][1] = c[2 + j % 2];
      }
    }
    const u8* behind = stage + units * P::U::BYTES;
    const uint2 scales = BITS == 4 ? *(const uint2*)(behind + lane * 8) : uint2();
    const u32 zeros = BITS == 4 ? *(const u16*)(behind + 256 + lane * 2) : 0u;
#pragma unroll
    for (int i = 0; i < 2; ++i) {
#pragma unroll
      for (int row = 0; row < 2; ++row) {
        // Both parts of unit 2q + i come together.
        const int first = parts[0][i][row], second = parts[1][i][row];
        const int other = (int)shuffle_xor((u32)(q < 2 ? second : first), 2);
        const int sum = q < 2 ? 256 * first + other : 256 * other + second;
        if constexpr (BITS == 4) {
          const u16 scale = (u16)((row ? scales.y : scales.x) >> 16 * i);
          const float zero = (float)(zeros >> (8 * row + 4 * i) & 15u);
          const float codes_sum = (float)sum * (row ? 0.0625f : 1.0f);
          total[row] += half_to_float(scale) * x.steps[p][i] * (codes_sum - zero * x.sums[p][i]);
        } else {
          total[row] += x.steps[p][i] * (float)sum;
        }
      }
    }
    ring.give_back();
  }
#pragma unroll
  for (int row = 0; row < 2; ++row) {
    total[row] += shuffle_xor(total[row], 1);
    total[row] += shuffle_xor(total[row], 2);
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
