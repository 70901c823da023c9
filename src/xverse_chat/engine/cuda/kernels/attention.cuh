// Attention of one new token over the KV cache, each head's tokens split over up to SPLITS tasks and
// over the warps of a block, which take pieces of 8 tokens in turn from their rings.
//
// Four lanes share a token: each holds a quarter of its dimensions, takes a share of the score and
// keeps running maximum, sum and mix of its own (online softmax, arXiv 1805.02867; the split over
// blocks is that of Flash-Decoding). Only tokens in use are read.
#pragma once

#include "exchange.cuh"
#include "stream.cuh"

#define SLICES (HEAD_DIM / 32)  // of 8 dimensions, for each lane
#define OWN_DIMS (SLICES * 8)

struct Gathered {
  float values[COMPUTING_WARPS][HEAD_DIM], largest[COMPUTING_WARPS], sum[COMPUTING_WARPS];
};

struct AttentionSpace {
  float query[HEAD_DIM];
  __align__(16) u16 new_token[2][HEAD_DIM];
  Gathered gathered;
};

// First dimension of slice i of this lane. Odd tokens take slices in another order than even
// ones, so that the eight lanes that read at once meet 32 different banks.
DEVICE int first_dim(int i) {
  const int lane = threadIdx.x % 32;
  return 8 * (4 * (i ^ (lane / 4 & 1)) + lane % 4);
}

struct Mix {
  float largest, sum, values[OWN_DIMS];

  DEVICE void clear() {
    largest = -1e30f;
    sum = 0.0f;
#pragma unroll
    for (int i = 0; i < OWN_DIMS; ++i) values[i] = 0.0f;
  }

  // Adds `count` tokens, of which this lane takes part in token lane / 4. All lanes come here.
  DEVICE void add(const u16* keys, const u16* values_of, int count,
                  const float (&query)[OWN_DIMS]) {
    // Lanes without a token of their own read the last one's.
    const int own = threadIdx.x % 32 / 4, token = min(own, count - 1);
    float score = 0.0f;
#pragma unroll
    for (int i = 0; i < SLICES; ++i) {
      float part[8];
      unpack8(*(const uint4*)(keys + token * HEAD_DIM + first_dim(i)), part);
#pragma unroll
      for (int d = 0; d < 8; ++d) score += part[d] * query[8 * i + d];
    }
    score += shuffle_xor(score, 1);
    score += shuffle_xor(score, 2);
    if (own >= count) return;
    const float above = fmaxf(largest, score);
    const float keep = exp2f(largest - above), weight = exp2f(score - above);
    largest = above;
    sum = sum * keep + weight;
#pragma unroll
    for (int i = 0; i < SLICES; ++i) {
      float part[8];
      unpack8(*(const uint4*)(values_of + token * HEAD_DIM + first_dim(i)), part);
#pragma unroll
      for (int d = 0; d < 8; ++d)
        values[8 * i + d] = values[8 * i + d] * keep + weight * part[d];
    }
  }

  // Puts the mix of the warp's tokens where the block's others are.
  DEVICE void gather(Gathered& gathered) const {
    const int lane = threadIdx.x % 32, own = threadIdx.x / 32;
    const float above = largest_of_warp(largest);
    const float keep = exp2f(largest - above);
    // Dimensions of an even and of an odd token stand in different registers of their lanes.
    const bool is_odd = lane / 4 & 1;
    float all = sum * keep;
    for (int mask = 4; mask < 32; mask <<= 1) all += shuffle_xor(all, mask);
#pragma unroll
    for (int i = 0; i < SLICES; ++i) {
#pragma unroll
      for (int d = 0; d < 8; ++d) {
        const float even = values[8 * i + d], odd = values[8 * (i ^ 1) + d];
        float value = (is_odd ? odd : even) * keep;
        for (int mask = 4; mask < 32; mask <<= 1) value += shuffle_xor(value, mask);
        if (lane < 4) gathered.values[own][8 * (4 * i + lane) + d] = value;
      }
    }
    if (lane == 0) {
      gathered.largest[own] = above;
      gathered.sum[own] = all;
    }
  }
};

// Dimension d of a head as it is, and what it is rotated with.
struct Pair {
  float own, other;

  // RoPE (arXiv 2104.09864), halves paired as in Llama.
  DEVICE float rotated(int d, const float2& angle) const {
    return d < HEAD_DIM / 2 ? own * angle.x - other * angle.y : own * angle.x + other * angle.y;
  }
};

// Waits for a dimension of the query or of the key, and of the value, all at once.
DEVICE void receive_head(const Exchange& qkv, int first, int d, bool is_key, Pair& pair,
                         float& value) {
  const int half = HEAD_DIM / 2, base = first + (is_key ? HIDDEN : 0);
  const u32* places[3] = {qkv.words + base + d, qkv.words + base + (d < half ? d + half : d - half),
                          qkv.words + 2 * HIDDEN + first + d};
  u32 words[3];
  while (true) {
    bool due = false;
#pragma unroll
    for (int i = 0; i < 3; ++i) words[i] = load_relaxed(places[i]);
#pragma unroll
    for (int i = 0; i < 3; ++i) due |= qkv.is_due(words[i]);
    if (!due) break;
    wait_a_little();
  }
  pair = {Exchange::value_of(words[0]), Exchange::value_of(words[1])};
  value = Exchange::value_of(words[2]);
}

// One task of a block. qkv (3 HIDDEN), not yet rotated; where the task is a head's first, the new
// token's key and value go into the cache. Sends mixes (HEADS, SPLITS, HEAD_DIM) and weights (HEADS,
// SPLITS, 2): the largest score, the sum. `angles` are cos and sin (HEAD_DIM / 2) of the position.
template <int STAGES>
DEVICE void attend_task(Ring<STAGES>& ring, AttentionSpace& space, int number, const Exchange& qkv,
                        const Layer& layer, const float2* angles, int past, int capacity,
                        const Exchange& mixes, const Exchange& weights) {
  const int thread = threadIdx.x, warp = thread / 32;
  const Task task(number, past);
  if (task.is_idle) {
    // Nobody waits, but no tag may fall behind: one of long ago would look like one to come.
    for (int d = thread; d < HEAD_DIM; d += COMPUTING_THREADS)
      mixes.send(number * HEAD_DIM + d, 0.0f);
    if (thread < 2) weights.send(2 * number + thread, 0.0f);
    return;
  }
  const bool has_new = task.split == 0;
  const float scale = 1.4426950408889634f * rsqrtf((float)HEAD_DIM);  // softmax with powers of 2
  // Half of the threads see to the query, the others to the new token's key and value.
  const bool is_key = thread >= COMPUTING_THREADS / 2;
  for (int d = thread % (COMPUTING_THREADS / 2); d < HEAD_DIM; d += COMPUTING_THREADS / 2) {
    if (is_key && !has_new) break;
    const float2 angle = __ldg(angles + d % (HEAD_DIM / 2));
    Pair pair;
    float value;
    receive_head(qkv, task.head * HEAD_DIM, d, is_key, pair, value);
    if (!is_key) {
      space.query[d] = pair.rotated(d, angle) * scale;
    } else {
      const u16 k = from_float(pair.rotated(d, angle)), v = from_float(value);
      const long place = ((long)task.head * capacity + past) * HEAD_DIM + d;
      layer.keys[place] = space.new_token[0][d] = k;
      layer.values[place] = space.new_token[1][d] = v;
    }
  }
  sync_computing();

  float query[OWN_DIMS];
#pragma unroll
  for (int i = 0; i < SLICES; ++i)
#pragma unroll
    for (int d = 0; d < 8; ++d) query[8 * i + d] = space.query[first_dim(i) + d];
  Mix mix;
  mix.clear();
  for (int token = task.first + warp * TOKENS_IN_PIECE; token < task.end;
       token += COMPUTING_WARPS * TOKENS_IN_PIECE) {
    const u8* stage = ring.take();
    mix.add((const u16*)stage, (const u16*)(stage + KEY_BYTES), task.end - token, query);
    ring.give_back();
  }
  if (has_new && warp == 0) mix.add(space.new_token[0], space.new_token[1], 1, query);
  mix.gather(space.gathered);
  sync_computing();
  const Gathered& all = space.gathered;
  for (int d = thread; d < HEAD_DIM; d += COMPUTING_THREADS) {
    float largest = -1e30f, value = 0.0f, sum = 0.0f;
    for (int w = 0; w < COMPUTING_WARPS; ++w) largest = fmaxf(largest, all.largest[w]);
    for (int w = 0; w < COMPUTING_WARPS; ++w) {
      const float factor = exp2f(all.largest[w] - largest);
      value += all.values[w][d] * factor;
      sum += all.sum[w] * factor;
    }
    mixes.send(number * HEAD_DIM + d, value);
    if (d == 0) {
      weights.send(2 * number, largest);
      weights.send(2 * number + 1, sum);
    }
  }
}

template <int STAGES>
DEVICE void attend(Ring<STAGES>& ring, AttentionSpace& space, const Exchange& qkv,
                   const Layer& layer, const float2* angles, int past, int capacity,
                   const Exchange& mixes, const Exchange& weights) {
#pragma unroll 1
  for (int task = blockIdx.x; task < TASKS; task += BLOCKS) {
    attend_task(ring, space, task, qkv, layer, angles, past, capacity, mixes, weights);
    if (TASKS > BLOCKS) sync_computing();  // before the space is used again
  }
}
