// The input of a matrix-vector product, made ready in shared memory by the whole block.
#pragma once

#include "values.cuh"

#define WARPS_PER_TEAM 8
#define TEAM_THREADS (WARPS_PER_TEAM * 32)
#define GEMV_THREADS (TEAMS * TEAM_THREADS)

DEVICE void sync_team(int team) {
  if (TEAMS == 1)
    sync_block();
  else
    sync_some(1 + team, TEAM_THREADS);
}

// Quantized weights are multiplied in float16 whatever the model's type is: the input is scaled by
// a power of two so that its largest value lies in [256, 512), and nothing overflows.
template <int K, int BITS>
struct Activations {
  u16 values[K];
  float group_sums[BITS == 4 ? (K + 1023) / 1024 * 16 : 1];  // over each 64, as rounded
  float unscale;
  float reduced[2][GEMV_THREADS / 32];
};

DEVICE float power_of_two(int exponent) { return __uint_as_float((u32)(exponent + 127) << 23); }

// x (K): of the model's type where NORM_WEIGHT is false; else float, to be RMS-normalised
// (arXiv 1910.07467) and multiplied by norm_weight (K).
template <int K, int BITS, bool NORM>
DEVICE void stage(Activations<K, BITS>& into, const void* x, const u16* norm_weight) {
  constexpr int CHUNKS = K / 8;
  constexpr int PASSES = (CHUNKS + GEMV_THREADS - 1) / GEMV_THREADS;
  const int thread = threadIdx.x, warp = thread / 32, lane = thread % 32;
  float v[PASSES][8];
  uint4 gains[PASSES];
  if (NORM) {
#pragma unroll
    for (int p = 0; p < PASSES; ++p) {
      const int chunk = p * GEMV_THREADS + thread;
      if (chunk < CHUNKS) gains[p] = ((const uint4*)norm_weight)[chunk];
    }
  }
  wait_for_kernels_before();
  float squares = 0.0f, largest = 0.0f;
#pragma unroll
  for (int p = 0; p < PASSES; ++p) {
    const int chunk = p * GEMV_THREADS + thread;
#pragma unroll
    for (int i = 0; i < 8; ++i) v[p][i] = 0.0f;
    if (chunk < CHUNKS) {
      if (NORM) {
        const float4 a = ((const float4*)x)[2 * chunk], b = ((const float4*)x)[2 * chunk + 1];
        const float raw[8] = {a.x, a.y, a.z, a.w, b.x, b.y, b.z, b.w};
        float gain[8];
        unpack8(gains[p], gain);
#pragma unroll
        for (int i = 0; i < 8; ++i) {
          squares += raw[i] * raw[i];
          v[p][i] = raw[i] * gain[i];
        }
      } else {
        unpack8(((const uint4*)x)[chunk], v[p]);
      }
#pragma unroll
      for (int i = 0; i < 8; ++i) largest = fmaxf(largest, fabsf(v[p][i]));
    }
  }
  float scale = 1.0f;
  if (NORM || BITS < 16) {
    squares = sum_of_warp(squares);
    largest = largest_of_warp(largest);
    if (lane == 0) {
      into.reduced[0][warp] = squares;
      into.reduced[1][warp] = largest;
    }
    sync_block();
    squares = largest = 0.0f;
    for (int w = 0; w < GEMV_THREADS / 32; ++w) {
      squares += into.reduced[0][w];
      largest = fmaxf(largest, into.reduced[1][w]);
    }
    if (NORM) scale = rsqrtf(squares / K + NORM_EPS);
    if (BITS < 16) {
      const int exponent = (int)(__float_as_uint(largest * scale) >> 23) - 127;
      const int shift = min(max(8 - exponent, -100), 100);
      scale *= power_of_two(shift);
      if (thread == 0) into.unscale = power_of_two(-shift);
    }
  }
  if (BITS == 16 && thread == 0) into.unscale = 1.0f;
#pragma unroll
  for (int p = 0; p < PASSES; ++p) {
    const int chunk = p * GEMV_THREADS + thread;
    u16 rounded[8];
    float sum = 0.0f;
#pragma unroll
    for (int i = 0; i < 8; ++i) {
      rounded[i] = BITS < 16 ? float_to_half(v[p][i] * scale) : from_float(v[p][i] * scale);
      if (BITS == 4) sum += half_to_float(rounded[i]);
    }
    if (BITS == 4) {
      for (int mask = 1; mask < 8; mask <<= 1) sum += shuffle_xor(sum, mask);
    }
    if (chunk < CHUNKS) {
      uint4 raw;
      raw.x = pack2(rounded[0], rounded[1]);
      raw.y = pack2(rounded[2], rounded[3]);
      raw.z = pack2(rounded[4], rounded[5]);
      raw.w = pack2(rounded[6], rounded[7]);
      ((uint4*)into.values)[chunk] = raw;
      if (BITS == 4 && chunk % 8 == 0) into.group_sums[chunk / 8] = sum;
    }
  }
  sync_block();
}
