// From logits to the next token, by one block: repetition penalty, temperature, top-k, top-p.
//
// No sort: what is kept is found by histograms of the distance to the largest score, 2048 bins and
// then 2048 within the bin that decides. Values that fall into the same one of the 4 million
// places count as equal, and equals are kept together. Sums of probabilities are whole numbers,
// so that the order of additions changes nothing. One kept token is drawn as the first to arrive
// of exponential clocks with its probability as rate, by Philox (Salmon et al. 2011).
#pragma once

#include "values.cuh"

#define SAMPLING_THREADS 1024
#define BINS 2048
#define RING 8

// Set by the host at the beginning of a reply.
struct SamplingSettings {
  float inverse_temperature;  // 0: take the largest
  float top_p;
  float penalty;
  int top_k;  // 0: all
  u32 seed[2];
};

// On the device from step to step.
struct StepState {
  int token;   // chosen last: the input of the next step
  int length;  // tokens in the KV cache
  int drawn;   // tokens of this reply so far
};

struct Philox {
  u32 out[4];

  DEVICE Philox(u32 key0, u32 key1, u32 c0, u32 c1) {
    u32 c[4] = {c0, c1, 0u, 0u};
    for (int round = 0; round < 10; ++round) {
      const u64 a = (u64)0xD2511F53u * c[0], b = (u64)0xCD9E8D57u * c[2];
      const u32 n0 = (u32)(b >> 32) ^ c[1] ^ key0, n2 = (u32)(a >> 32) ^ c[3] ^ key1;
      c[1] = (u32)b;
      c[3] = (u32)a;
      c[0] = n0;
      c[2] = n2;
      key0 += 0x9E3779B9u;
      key1 += 0xBB67AE85u;
    }
    for (int i = 0; i < 4; ++i) out[i] = c[i];
  }
};

struct Best {
  float value;
  int index;

  DEVICE void take(float other_value, int other_index) {
    if (other_value > value || (other_value == value && other_index < index)) {
      value = other_value;
      index = other_index;
    }
  }
};

struct SamplingSpace {
  u32 counts[BINS];
  u64 masses[BINS];
  Best best[SAMPLING_THREADS / 32];
  float least[SAMPLING_THREADS / 32];
  u32 bad[SAMPLING_THREADS / 32];
  u64 found_mass;
  u32 found_count;
  int found_bin;
};

DEVICE Best best_of_block(SamplingSpace& space, Best best) {
  const int thread = threadIdx.x;
  for (int mask = 16; mask > 0; mask >>= 1) {
    const float value = shuffle_xor(best.value, mask);
    const int index = (int)shuffle_xor((u32)best.index, mask);
    best.take(value, index);
  }
  if (thread % 32 == 0) space.best[thread / 32] = best;
  sync_block();
  best = space.best[0];
  for (int w = 1; w < SAMPLING_THREADS / 32; ++w) best.take(space.best[w].value, space.best[w].index);
  sync_block();
  return best;
}

// Distances fall into bins of `width`; a second level divides one of them.
struct Place {
  float inverse_width;
  int bin;  // the bin divided; -1 on the first level

  DEVICE int of(float distance) const {
    if (bin < 0) return (int)fminf(distance * inverse_width, BINS - 1.0f);
    const float rest = distance - bin / inverse_width;
    return (int)fminf(fmaxf(rest * inverse_width * BINS, 0.0f), BINS - 1.0f);
  }
};

#define ONE 1099511627776.0f  // 2^40: the probability of the largest, as a whole number

DEVICE u64 mass_of(float distance) { return (u64)(__expf(-distance) * ONE); }

// Counts scores by place; on the second level only those of the divided bin.
DEVICE void fill(SamplingSpace& space, const float* scores, float largest, const Place& coarse,
                 const Place& place) {
  for (int i = threadIdx.x; i < BINS; i += SAMPLING_THREADS) {
    space.counts[i] = 0;
    space.masses[i] = 0;
  }
  sync_block();
  for (int i = threadIdx.x; i < VOCAB; i += SAMPLING_THREADS) {
    const float distance = largest - scores[i];
    if (place.bin >= 0 && coarse.of(distance) != place.bin) continue;
    const int bin = place.of(distance);
    atomicAdd(&space.counts[bin], 1u);
    atomicAdd(&space.masses[bin], mass_of(distance));
  }
  sync_block();
}

// Finds the first bin up to which counts reach `count` or masses reach `mass`, added to what
// stands before the first bin; leaves in space the bin and what stands before it.
DEVICE void search(SamplingSpace& space, u32 count, u64 mass, u32 before_count, u64 before_mass) {
  if (threadIdx.x < 32) {
    const int lane = threadIdx.x, own = BINS / 32;
    u32 counted = 0;
    u64 massed = 0;
    for (int i = 0; i < own; ++i) {
      counted += space.counts[lane * own + i];
      massed += space.masses[lane * own + i];
    }
    // Exclusive sums over lanes, by way of everyone's totals.
    u32 start_count = before_count;
    u64 start_mass = before_mass;
    for (int other = 0; other < 32; ++other) {
      const u32 c = shuffle_from(counted, other);
      const u64 m = (u64)shuffle_from((u32)(massed >> 32), other) << 32 |
                    shuffle_from((u32)massed, other);
      if (other < lane) {
        start_count += c;
        start_mass += m;
      }
    }
    const bool is_here = (start_count < count && start_mass < mass) &&
                         (start_count + counted >= count || start_mass + massed >= mass);
    const bool is_last = lane == 31 && start_count + counted < count && start_mass + massed < mass;
    if (is_here || is_last) {
      int bin = lane * own;
      for (; bin < lane * own + own - 1; ++bin) {
        const u32 next_count = start_count + space.counts[bin];
        const u64 next_mass = start_mass + space.masses[bin];
        if (next_count >= count || next_mass >= mass) break;
        start_count = next_count;
        start_mass = next_mass;
      }
      space.found_bin = bin;
      space.found_count = start_count;
      space.found_mass = start_mass;
    }
  }
  sync_block();
}

// logits (VOCAB) float, overwritten; seen (VOCAB) 1 where a token was in prompt or reply; ring
// (RING) receives the token, or -1 when a logit was no number, at the place of its step.
DEVICE void choose(float* logits, u8* seen, const SamplingSettings* settings, StepState* state,
                   int* ring) {
  SHARED SamplingSpace space;
  const int thread = threadIdx.x, lane = thread % 32, warp = thread / 32;
  const SamplingSettings s = *settings;
  const StepState before = *state;
  const bool samples = s.inverse_temperature > 0.0f;
  wait_for_kernels_before();

  Best best = {-INFINITY_VALUE, VOCAB};
  float least = INFINITY_VALUE;
  u32 bad = 0;
  for (int i = thread; i < VOCAB; i += SAMPLING_THREADS) {
    float score = logits[i];
    bad |= !(fabsf(score) < INFINITY_VALUE);
    if (seen[i]) score = score < 0.0f ? score * s.penalty : score / s.penalty;
    if (samples) score *= s.inverse_temperature;
    logits[i] = score;
    best.take(score, i);
    least = fminf(least, score);
  }
  for (int mask = 16; mask > 0; mask >>= 1) {
    least = fminf(least, shuffle_xor(least, mask));
    bad |= shuffle_xor(bad, mask);
  }
  if (lane == 0) {
    space.least[warp] = least;
    space.bad[warp] = bad;
  }
  best = best_of_block(space, best);
  for (int w = 0; w < SAMPLING_THREADS / 32; ++w) {
    least = fminf(least, space.least[w]);
    bad |= space.bad[w];
  }

  const bool narrows = (s.top_k > 0 && s.top_k < VOCAB) || s.top_p < 1.0f;
  if (samples && !bad) {
    const float largest = best.value;
    const float range = fmaxf(largest - least, 1e-20f);
    const Place coarse = {(BINS - 1) / range, -1};
    int last_bin = BINS, last_place = BINS;  // places beyond these are dropped
    if (narrows) {
      const u64 everything = ~0ull;
      fill(space, logits, largest, coarse, coarse);
      u64 total;
      if (s.top_k > 0 && s.top_k < VOCAB) {
        search(space, s.top_k, everything, 0u, 0ull);
        last_bin = space.found_bin;
        const u32 count = space.found_count;
        const u64 mass = space.found_mass;
        const Place fine = {coarse.inverse_width, last_bin};
        sync_block();
        fill(space, logits, largest, coarse, fine);
        search(space, s.top_k, everything, count, mass);
        last_place = space.found_bin;
        total = space.found_mass + space.masses[last_place];
      } else {
        search(space, VOCAB + 1u, everything, 0u, 0ull);
        total = space.found_mass + space.masses[space.found_bin];
      }
      if (s.top_p < 1.0f) {
        const u64 wanted = (u64)((double)total * s.top_p);
        sync_block();
        fill(space, logits, largest, coarse, coarse);
        search(space, VOCAB + 1u, max(wanted, 1ull), 0u, 0ull);
        const int bin = space.found_bin;
        const u64 mass = space.found_mass;
        const Place fine = {coarse.inverse_width, bin};
        sync_block();
        fill(space, logits, largest, coarse, fine);
        search(space, VOCAB + 1u, max(wanted, 1ull), 0u, mass);
        if (bin < last_bin || space.found_bin < last_place) last_place = space.found_bin;
        last_bin = min(bin, last_bin);
      }
    }
    const Place fine = {coarse.inverse_width, last_bin};
    Best first = {-INFINITY_VALUE, VOCAB};
    for (int i = thread; i < VOCAB; i += SAMPLING_THREADS) {
      const float distance = largest - logits[i];
      if (narrows) {
        const int bin = coarse.of(distance);
        if (bin > last_bin || (bin == last_bin && fine.of(distance) > last_place)) continue;
      }
      const Philox random(s.seed[0], s.seed[1], (u32)i, (u32)before.drawn);
      const float uniform = ((random.out[0] >> 8) + 0.5f) * (1.0f / 16777216.0f);
      // The earliest of -log(u) / p, as the largest of log p - log(-log(u)).
      first.take(-distance - __logf(-__logf(uniform)), i);
    }
    best = best_of_block(space, first);
  }
  if (thread == 0) {
    const int token = bad ? 0 : best.index;
    ring[before.drawn % RING] = bad ? -1 : token;
    seen[token] = 1;
    state->token = token;
    state->length = before.length + 1;
    state->drawn = before.drawn + 1;
  }
}
