// What prefill needs beside cuBLAS and flash attention: small work on many tokens at once.
#pragma once

#include "attention.cuh"
#include "weights.cuh"

#define ROW_THREADS 256

// hidden (tokens, HIDDEN) float to out (tokens, HIDDEN), RMS-normalised; one block a token.
DEVICE void norm_rows(const float* hidden, const u16* weight, u16* out) {
  SHARED float reduced[ROW_THREADS / 32];
  const int thread = threadIdx.x;
  const float* row = hidden + (long)blockIdx.x * HIDDEN;
  float squares = 0.0f;
  for (int i = thread; i < HIDDEN; i += ROW_THREADS) squares += row[i] * row[i];
  squares = sum_of_warp(squares);
  if (thread % 32 == 0) reduced[thread / 32] = squares;
  sync_block();
  squares = 0.0f;
  for (int w = 0; w < ROW_THREADS / 32; ++w) squares += reduced[w];
  const float scale = rsqrtf(squares / HIDDEN + NORM_EPS);
  for (int i = thread; i < HIDDEN; i += ROW_THREADS)
    out[(long)blockIdx.x * HIDDEN + i] = from_float(row[i] * scale * to_float(weight[i]));
}

// qkv (tokens, 3 HIDDEN): rotates q in place, writes rotated k and v into the cache
// (HEADS, capacity, HEAD_DIM) from position `first` on; one block a token.
DEVICE void rotate_rows(u16* qkv, u16* key_cache, u16* value_cache, const float2* angles, int first,
                        int capacity) {
  const int position = first + blockIdx.x, half = HEAD_DIM / 2;
  const float2* angle = angles + (long)position * half;
  u16* row = qkv + (long)blockIdx.x * 3 * HIDDEN;
  for (int i = threadIdx.x; i < HIDDEN / 2; i += ROW_THREADS) {
    const int head = i / half, d = i % half, place = head * HEAD_DIM + d;
    const float2 turn = angle[d];
    const float q0 = to_float(row[place]), q1 = to_float(row[place + half]);
    row[place] = from_float(q0 * turn.x - q1 * turn.y);
    row[place + half] = from_float(q1 * turn.x + q0 * turn.y);
    const float k0 = to_float(row[HIDDEN + place]), k1 = to_float(row[HIDDEN + place + half]);
    const long cached = ((long)head * capacity + position) * HEAD_DIM + d;
    key_cache[cached] = from_float(k0 * turn.x - k1 * turn.y);
    key_cache[cached + half] = from_float(k1 * turn.x + k0 * turn.y);
    value_cache[cached] = row[2 * HIDDEN + place];
    value_cache[cached + half] = row[2 * HIDDEN + place + half];
  }
}

// gate_up (tokens, 2 INTERMEDIATE) to out (tokens, INTERMEDIATE); one block a token.
DEVICE void gate_rows(const u16* gate_up, u16* out) {
  const u16* row = gate_up + (long)blockIdx.x * 2 * INTERMEDIATE;
  for (int i = threadIdx.x; i < INTERMEDIATE; i += ROW_THREADS)
    out[(long)blockIdx.x * INTERMEDIATE + i] =
        from_float(silu(to_float(row[i])) * to_float(row[INTERMEDIATE + i]));
}

// Tiles `first` on of a quantized matrix to rows of the model's type. One warp a unit; row r of
// tile t goes to out + ((t - first) * tile_rows + r) * columns, row r + 8 `out_second` rows further;
// in the matrix it is `second` rows further.
template <int BITS>
DEVICE void unpack_rows(const Matrix& matrix, u16* out, int columns, int first, int tiles,
                        int tile_rows, int second, int out_second) {
  typedef Unit<BITS> U;
  constexpr int EACH = U::COLUMNS / 4;  // consecutive columns of a lane, in each of two rows
  const int units = columns / U::COLUMNS, lane = threadIdx.x % 32, r = lane / 4, q = lane % 4;
  const long place = (long)blockIdx.x * (ROW_THREADS / 32) + threadIdx.x / 32;
  if (place >= (long)tiles * units) return;
  const int tile = (int)(place / units), unit = (int)(place % units);
  const uint4 raw = load_once(matrix.weights + ((long)(first + tile) * units + unit) * 32 + lane);
  const u32 words[4] = {raw.x, raw.y, raw.z, raw.w};
  float scale[2], zero[2] = {128.0f, 128.0f};
  if (BITS == 4) {
    const long group = ((long)(first + tile) * units + unit) * 8 + r;
    const u32 scales = __ldg(matrix.scales + group), zeros = __ldg(matrix.zeros + group);
    scale[0] = half_to_float((u16)(scales & 0xffffu));
    scale[1] = half_to_float((u16)(scales >> 16));
    zero[0] = (float)(zeros & 15u);
    zero[1] = (float)(zeros >> 4);
  } else {
    const float* scales = (const float*)matrix.scales;
    scale[0] = __ldg(scales + (long)(first + tile) * tile_rows + r);
    scale[1] = __ldg(scales + (long)(first + tile) * tile_rows + r + second);
  }
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    float values[EACH];
#pragma unroll
    for (int i = 0; i < EACH; ++i) {
      // Column i is step i / 4, pair i / 2 % 2, element i % 2 of the multiplication it takes part in.
      const int step = i / 4, pair = i / 2 % 2, element = i % 2;
      const u32 code = BITS == 4 ? words[step] >> (4 * (2 * pair + half) + 16 * element) & 15u
                                 : words[2 * step + half] >> (8 * (2 * pair + element)) & 255u;
      values[i] = ((float)code - zero[half]) * scale[half];
    }
    u16* row = out + ((long)tile * tile_rows + r + half * out_second) * columns + unit * U::COLUMNS;
#pragma unroll
    for (int i = 0; i < EACH; i += 8) {
      const float part[8] = {values[i],     values[i + 1], values[i + 2], values[i + 3],
                             values[i + 4], values[i + 5], values[i + 6], values[i + 7]};
      *(uint4*)(row + q * EACH + i) = pack8(part);
    }
  }
}
