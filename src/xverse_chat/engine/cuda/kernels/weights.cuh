// How a warp holds weights: a unit is what it multiplies between two loads, always 16 rows.
//
// Rows r and r + 8 of a tile belong to the lanes 4r to 4r + 3. Within a unit lane q of those holds
// consecutive columns of both rows, so that the input lies in shared memory in its natural order.
#pragma once

#include "values.cuh"

// A matrix (N, K). 16 bits: `weights` are its rows. 8 and 4 bits: tiles of 16 rows, units one
// after another, 16 bytes for each lane; engine/cuda/layout.py packs them. `scales` are float for
// each row in 8 bits; in 4 bits float16 for each tile, unit and r: rows r and r + 8; `zeros` in
// the same order, the zero point of row r in the low half of a byte.
struct Matrix {
  const uint4* weights;
  const u32* scales;
  const u8* zeros;
};

template <int BITS>
struct Unit;

template <>
struct Unit<16> {
  static constexpr int COLUMNS = 32, IN_FLIGHT = 4, LOADS = 2;
  uint4 rows[2];

  DEVICE void load(const uint4* first, const uint4* second) {
    rows[0] = load_once(first);
    rows[1] = load_once(second);
  }

  DEVICE void multiply(float (&sums)[4], const u16* x, int q) const {
    const uint4 b = *(const uint4*)(x + 8 * q);
    if (BFLOAT16) {
      mma_bfloat(sums, rows[0].x, rows[1].x, rows[0].y, rows[1].y, b.x, b.y);
      mma_bfloat(sums, rows[0].z, rows[1].z, rows[0].w, rows[1].w, b.z, b.w);
    } else {
      mma_half(sums, rows[0].x, rows[1].x, rows[0].y, rows[1].y, b.x, b.y);
      mma_half(sums, rows[0].z, rows[1].z, rows[0].w, rows[1].w, b.z, b.w);
    }
  }
};

// float16 of 1024 + u is 0x6400 | u: a permutation of bytes makes floats of integers.
#define HALF_1024 0x64646464u
#define HALF2_1152 0x64806480u

template <>
struct Unit<8> {
  static constexpr int COLUMNS = 32, IN_FLIGHT = 8, LOADS = 1;
  uint4 raw;

  DEVICE void load(const uint4* first, const uint4*) { raw = load_once(first); }

  // Bytes 0 and 1 of a word as float16, less 1024 + 128.
  static DEVICE u32 low(u32 word) {
    return subtract_half2(__byte_perm(word, HALF_1024, 0x4140), HALF2_1152);
  }
  static DEVICE u32 high(u32 word) {
    return subtract_half2(__byte_perm(word, HALF_1024, 0x4342), HALF2_1152);
  }

  DEVICE void multiply(float (&sums)[4], const u16* x, int q) const {
    const uint4 b = *(const uint4*)(x + 8 * q);
    mma_half(sums, low(raw.x), low(raw.y), high(raw.x), high(raw.y), b.x, b.y);
    mma_half(sums, low(raw.z), low(raw.w), high(raw.z), high(raw.w), b.z, b.w);
  }
};

template <>
struct Unit<4> {
  static constexpr int COLUMNS = 64, IN_FLIGHT = 8, LOADS = 1;
  uint4 raw;

  DEVICE void load(const uint4* first, const uint4*) { raw = load_once(first); }

  // Row r as 1024 + code, row r + 8 as 1024 + 16 * code: the caller takes both off again.
  static DEVICE void multiply_word(float (&sums)[4], u32 word, u32 b0, u32 b1) {
    const u32 next = word >> 8;
    mma_half(sums, (word & 0x000f000fu) | 0x64006400u, (word & 0x00f000f0u) | 0x64006400u,
             (next & 0x000f000fu) | 0x64006400u, (next & 0x00f000f0u) | 0x64006400u, b0, b1);
  }

  DEVICE void multiply(float (&sums)[4], const u16* x, int q) const {
    const uint4 a = *(const uint4*)(x + 16 * q), b = *(const uint4*)(x + 16 * q + 8);
    multiply_word(sums, raw.x, a.x, a.y);
    multiply_word(sums, raw.y, a.z, a.w);
    multiply_word(sums, raw.z, b.x, b.y);
    multiply_word(sums, raw.w, b.z, b.w);
  }
};
