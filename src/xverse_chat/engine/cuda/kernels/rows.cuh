// What prefill needs beside cuBLAS and flash attention: small work on many tokens at once.
#pragma once

#include "plan.cuh"

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

// Tiles `first` on of a quantized matrix to rows of the model's type, one block a tile: row r of
// tile t goes to row (t - first) * R::STEP + r of out, row r + 8 is `out_second` rows further.
template <class P, class R>
DEVICE void unpack_tile(const Matrix& matrix, u16* out, int first, int out_second) {
  typedef typename P::U U;
  constexpr int BITS = U::COLUMNS == 64 ? 4 : 8;
  const int tile = first + blockIdx.x, warp = threadIdx.x / 32, lane = threadIdx.x % 32;
  const int r = lane / 4, q = lane % 4;
  const u8* source = matrix.weights + (long)tile * P::start(WARPS) + P::start(warp);
  for (int unit = 0; unit < P::units(warp); ++unit) {
    const int piece = unit / U::IN_PIECE, j = unit % U::IN_PIECE;
    const u8* codes = source + (long)piece * P::PIECE_BYTES;
    const uint4 raw = load_once((const uint4*)(codes + j * U::BYTES + lane * 16));
    const u32 words[4] = {raw.x, raw.y, raw.z, raw.w};
    const u8* behind = codes + min(U::IN_PIECE, P::units(warp) - piece * U::IN_PIECE) * U::BYTES;
    const int column = (P::first_unit(warp) + unit) * U::COLUMNS + q * U::OWN;
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const int row = R::row(tile, r + 8 * half);
      if (row >= R::N) continue;
      float scale, zero = 0.0f;
      if (BITS == 4) {
        // Scales and zero points lie for lane 4r + j / 2: unit j, then the next, of either row.
        const int own = 4 * r + j / 2, at = 2 * half + j % 2;
        scale = half_to_float(((const u16*)behind)[own * 4 + at]);
        zero = (float)(((const u16*)(behind + 256))[own] >> 4 * at & 15);
      } else {
        scale = __ldg(matrix.scales + row);
      }
      u16* to = out + ((long)blockIdx.x * R::STEP + r + half * out_second) * P::WIDTH;
#pragma unroll
      for (int i = 0; i < U::OWN; i += 8) {
        float part[8];
#pragma unroll
        for (int d = 0; d < 8; ++d) {
          // Four consecutive columns are the bytes of a word; in 4 bits row r has their low halves.
          const int place = i + d;
          const u32 byte = words[BITS == 4 ? place / 4 : place / 4 * 2 + half] >> 8 * (place % 4);
          const int code = BITS == 4 ? (int)(byte >> 4 * half & 15u) : (int)(signed char)(byte & 255u);
          part[d] = ((float)code - zero) * scale;
        }
        *(uint4*)(to + column + i) = pack8(part);
      }
    }
  }
}
