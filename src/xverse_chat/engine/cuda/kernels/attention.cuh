// Attention of one new token over the KV cache, each head's tokens split over several blocks.
//
// Four lanes share a token: each holds a quarter of its dimensions, takes a share of the score and
// keeps running maximum, sum and mix of its own (online softmax, arXiv 1805.02867; the split over
// blocks is that of Flash-Decoding). Only tokens in use are read.
#pragma once

#include "values.cuh"

#define ATTENTION_WARPS 4
#define ATTENTION_THREADS (ATTENTION_WARPS * 32)
#define TOKENS_AT_ONCE (ATTENTION_THREADS / 4)
#define SLICES (HEAD_DIM / 32)  // of 8 dimensions, for each lane; slice i of lane q starts at 8 (4 i + q)
#define OWN (SLICES * 8)

struct Mix {
  float largest, sum, values[OWN];

  DEVICE void add(float score, const float (&v)[OWN]) {
    const float above = fmaxf(largest, score);
    const float keep = exp2f(largest - above), weight = exp2f(score - above);
    largest = above;
    sum = sum * keep + weight;
#pragma unroll
    for (int i = 0; i < OWN; ++i) values[i] = values[i] * keep + weight * v[i];
  }
};

struct Token {
  uint4 k[SLICES], v[SLICES];

  DEVICE void load(const u16* keys, const u16* values, int q) {
#pragma unroll
    for (int i = 0; i < SLICES; ++i) {
      k[i] = ((const uint4*)keys)[4 * i + q];
      v[i] = ((const uint4*)values)[4 * i + q];
    }
  }

  // All lanes of a warp come here together; `counts` says for which the token is one.
  DEVICE void attend(Mix& mix, const float (&query)[OWN], bool counts) const {
    float score = 0.0f, row[OWN];
#pragma unroll
    for (int i = 0; i < SLICES; ++i) {
      float part[8];
      unpack8(k[i], part);
#pragma unroll
      for (int d = 0; d < 8; ++d) score += part[d] * query[8 * i + d];
      unpack8(v[i], part);
#pragma unroll
      for (int d = 0; d < 8; ++d) row[8 * i + d] = part[d];
    }
    score += shuffle_xor(score, 1);
    score += shuffle_xor(score, 2);
    if (counts) mix.add(score, row);
  }
};

// Rotates x (HEAD_DIM, float) of one head by position: RoPE (arXiv 2104.09864), halves paired as
// in Llama. `angles` are cos and sin (positions, HEAD_DIM / 2).
DEVICE float rotated(const float* x, const float2* angles, int d) {
  const int half = HEAD_DIM / 2, pair = d % half;
  const float2 angle = angles[pair];
  return d < half ? x[d] * angle.x - x[d + half] * angle.y : x[d] * angle.x + x[d - half] * angle.y;
}

// qkv (3 HIDDEN) float, not yet rotated; caches (HEADS, capacity, HEAD_DIM); partials
// (HEADS, splits, HEAD_DIM + 2) and arrivals (HEADS), zero before and after; out (HIDDEN).
DEVICE void attention(const float* qkv, u16* key_cache, u16* value_cache, const int* length,
                      const float2* angles, int capacity, float* partials, u32* arrivals,
                      u16* out) {
  SHARED float query[HEAD_DIM];
  SHARED __align__(16) u16 new_token[2][HEAD_DIM];
  SHARED float gathered[ATTENTION_WARPS][HEAD_DIM + 2];
  SHARED u32 arrived;

  let_next_kernel_start();
  const int thread = threadIdx.x, lane = thread % 32, warp = thread / 32, q = lane % 4;
  const int head = blockIdx.x, split = blockIdx.y, splits = gridDim.y;
  // No kernel of this step writes the length or the tokens before the new one.
  const int past = *length;
  const int share = (past + splits - 1) / splits;
  const int end = min(past, (split + 1) * share);
  u16* keys = key_cache + (long)head * capacity * HEAD_DIM;
  u16* values = value_cache + (long)head * capacity * HEAD_DIM;
  int token = split * share + thread / 4;
  Token ahead;
  if (token < end) ahead.load(keys + (long)token * HEAD_DIM, values + (long)token * HEAD_DIM, q);
  const float2* angle = angles + (long)past * (HEAD_DIM / 2);
  wait_for_kernels_before();

  const float* own_qkv = qkv + head * HEAD_DIM;
  const float scale = 1.4426950408889634f * rsqrtf((float)HEAD_DIM);  // softmax with powers of 2
  if (thread < HEAD_DIM) {
    query[thread] = rotated(own_qkv, angle, thread) * scale;
    if (split == 0) {
      const u16 k = from_float(rotated(own_qkv + HIDDEN, angle, thread));
      const u16 v = from_float(own_qkv[2 * HIDDEN + thread]);
      keys[(long)past * HEAD_DIM + thread] = new_token[0][thread] = k;
      values[(long)past * HEAD_DIM + thread] = new_token[1][thread] = v;
    }
  }
  sync_block();

  float own_query[OWN];
#pragma unroll
  for (int i = 0; i < OWN; ++i) own_query[i] = query[8 * (4 * (i / 8) + q) + i % 8];
  Mix mix;
  mix.largest = -1e30f;
  mix.sum = 0.0f;
#pragma unroll
  for (int i = 0; i < OWN; ++i) mix.values[i] = 0.0f;
  const int rounds = (end - split * share + TOKENS_AT_ONCE - 1) / TOKENS_AT_ONCE;
  for (int round = 0; round < rounds; ++round) {
    const Token now = ahead;
    const bool is_there = token < end;
    token += TOKENS_AT_ONCE;
    if (token < end) ahead.load(keys + (long)token * HEAD_DIM, values + (long)token * HEAD_DIM, q);
    now.attend(mix, own_query, is_there);
  }
  if (split == 0 && warp == 0) {
    Token now;
    now.load(new_token[0], new_token[1], q);
    now.attend(mix, own_query, lane < 4);
  }

  // The eight tokens of a warp, then the warps, then the blocks of this head.
  float largest = largest_of_warp(mix.largest);
  const float keep = exp2f(mix.largest - largest);
  float sum = mix.sum * keep;
  for (int mask = 4; mask < 32; mask <<= 1) sum += shuffle_xor(sum, mask);
#pragma unroll
  for (int i = 0; i < OWN; ++i) {
    float value = mix.values[i] * keep;
    for (int mask = 4; mask < 32; mask <<= 1) value += shuffle_xor(value, mask);
    if (lane < 4) gathered[warp][8 * (4 * (i / 8) + q) + i % 8] = value;
  }
  if (lane == 0) {
    gathered[warp][HEAD_DIM] = largest;
    gathered[warp][HEAD_DIM + 1] = sum;
  }
  sync_block();
  float* own_partials = partials + (long)head * splits * (HEAD_DIM + 2);
  if (thread < HEAD_DIM) {
    largest = -1e30f;
    for (int w = 0; w < ATTENTION_WARPS; ++w) largest = fmaxf(largest, gathered[w][HEAD_DIM]);
    float value = 0.0f;
    sum = 0.0f;
    for (int w = 0; w < ATTENTION_WARPS; ++w) {
      const float factor = exp2f(gathered[w][HEAD_DIM] - largest);
      value += gathered[w][thread] * factor;
      sum += gathered[w][HEAD_DIM + 1] * factor;
    }
    float* partial = own_partials + split * (HEAD_DIM + 2);
    partial[thread] = value;
    if (thread == 0) {
      partial[HEAD_DIM] = largest;
      partial[HEAD_DIM + 1] = sum;
    }
    __threadfence();
  }
  sync_block();
  if (thread == 0) arrived = atomicAdd(arrivals + head, 1u);
  sync_block();
  if (arrived != splits - 1) return;
  if (thread == 0) arrivals[head] = 0;
  __threadfence();
  if (thread < HEAD_DIM) {
    largest = -1e30f;
    for (int s = 0; s < splits; ++s)
      largest = fmaxf(largest, __ldcg(own_partials + s * (HEAD_DIM + 2) + HEAD_DIM));
    float value = 0.0f;
    sum = 0.0f;
    for (int s = 0; s < splits; ++s) {
      const float* partial = own_partials + s * (HEAD_DIM + 2);
      const float factor = exp2f(__ldcg(partial + HEAD_DIM) - largest);
      value += __ldcg(partial + thread) * factor;
      sum += __ldcg(partial + HEAD_DIM + 1) * factor;
    }
    out[head * HEAD_DIM + thread] = from_float(value / sum);
  }
}
