// From the rows of lm_head to the next token, by all blocks together: repetition penalty,
// temperature, top-k, top-p.
//
// No sort. What is kept is found by histograms of the distance to the largest score: 1024 bins, and
// 1024 places within the bin that decides. Scores at one of these million places count as equal,
// and equals are kept together. Sums of probabilities are whole numbers, so that the order of
// additions changes nothing. Tokens further than RANGE below the best are never drawn: all of
// them together have a probability of less than 1e-15.
#pragma once

#include "grid.cuh"
#include "plan.cuh"
#include "random.cuh"

#define BINS 1024
#define RANGE 48.0f
#define ONE 1099511627776.0f  // 2^40: the probability of the largest, as a whole number
#define RING 8                // tokens that the host may be late to read

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
  int token;    // chosen last: the input of the next step
  int length;   // tokens in the KV cache
  int drawn;    // tokens of this reply so far
  u32 meeting;  // of all blocks, the last one
  u32 round;    // of layers, the last one: whose tags words carry
};

struct Best {
  float value;
  int token;

  DEVICE void take(float other, int other_token) {
    if (other > value || (other == value && other_token < token)) {
      value = other;
      token = other_token;
    }
  }
};

struct Histogram {
  u32 counts[BINS];
  u64 masses[BINS];
};

struct Choosing {
  float* logits;  // (VOCAB), as they are after penalty and temperature
  u8* seen;       // (VOCAB) 1 where a token was in prompt or reply
  const SamplingSettings* settings;
  StepState* state;
  int* ring;              // (RING) on the host: the token of step n at n % RING, -1 for no numbers
  Best* bests;            // (2, blocks)
  u32* faults;            // (blocks)
  Histogram* histograms;  // all, those in the bin that decides for top-k, and for top-p
};

struct Found {
  int bin;
  u32 count;       // before the bin
  u64 mass, own;  // before the bin, and of the bin
};

struct ChoosingSpace {
  Best best[COMPUTING_WARPS];
  u32 faults[COMPUTING_WARPS];
  u32 counts[COMPUTING_WARPS];
  u64 masses[COMPUTING_WARPS];
  Found found;
};

DEVICE void clear_histograms(const Choosing& c) {
  const int words = 3 * (int)sizeof(Histogram) / 4;
  for (int i = blockIdx.x * BLOCK_THREADS + threadIdx.x; i < words; i += BLOCKS * BLOCK_THREADS)
    ((u32*)c.histograms)[i] = 0;
}

// Scores the rows of lm_head as they come.
struct ScoreRows {
  Choosing c;
  SamplingSettings s;
  int step;
  bool samples, narrows;
  Best best;
  u32 fault;

  DEVICE ScoreRows(const Choosing& choosing) : c(choosing) {
    s = *c.settings;
    step = c.state->drawn;
    samples = s.inverse_temperature > 0.0f;
    narrows = samples && ((s.top_k > 0 && s.top_k < VOCAB) || s.top_p < 1.0f);
    best.value = -INFINITY_VALUE;
    best.token = VOCAB;
    fault = 0;
  }

  DEVICE float prepare(int row) const { return c.seen[row] ? s.penalty : 1.0f; }

  DEVICE void finish(float penalty, int row, float score) {
    fault |= !(fabsf(score) < INFINITY_VALUE);
    score = score < 0.0f ? score * penalty : score / penalty;
    if (samples) score *= s.inverse_temperature;
    c.logits[row] = score;
    best.take(samples && !narrows ? score + gumbel(s.seed, row, step) : score, row);
  }
};

DEVICE Best best_of_block(ChoosingSpace& space, Best best) {
  for (int mask = 16; mask > 0; mask >>= 1) {
    const float value = shuffle_xor(best.value, mask);
    const int token = (int)shuffle_xor((u32)best.token, mask);
    best.take(value, token);
  }
  if (threadIdx.x % 32 == 0) space.best[threadIdx.x / 32] = best;
  sync_computing();
  best = space.best[0];
  for (int w = 1; w < COMPUTING_WARPS; ++w) best.take(space.best[w].value, space.best[w].token);
  sync_computing();
  return best;
}

// The best of every block, for every block. `which` of the two places is used for it.
DEVICE Best best_of_all(const Choosing& c, ChoosingSpace& space, Best best, int which, Grid& grid) {
  Best* bests = c.bests + which * BLOCKS;
  best = best_of_block(space, best);
  if (threadIdx.x == 0) bests[blockIdx.x] = best;
  grid.announce();
  grid.wait();
  best.value = -INFINITY_VALUE;
  best.token = VOCAB;
  for (int block = threadIdx.x; block < BLOCKS; block += COMPUTING_THREADS)
    best.take(load_shared_by_all(&bests[block].value), load_shared_by_all(&bests[block].token));
  return best_of_block(space, best);
}

DEVICE bool any_fault(const Choosing& c, ChoosingSpace& space) {
  u32 fault = 0;
  for (int block = threadIdx.x; block < BLOCKS; block += COMPUTING_THREADS)
    fault |= load_shared_by_all(c.faults + block);
  for (int mask = 16; mask > 0; mask >>= 1) fault |= shuffle_xor(fault, mask);
  if (threadIdx.x % 32 == 0) space.faults[threadIdx.x / 32] = fault;
  sync_computing();
  for (int w = 0; w < COMPUTING_WARPS; ++w) fault |= space.faults[w];
  return fault;
}

DEVICE u32 place_of(float distance) {
  return (u32)fminf(distance * (BINS * BINS / RANGE), BINS * BINS - 1.0f);
}

// Calls `visit` with place, distance and token of each of this block's rows that is in range.
template <class Visit>
DEVICE void for_own_rows(const Choosing& c, float largest, const Visit& visit) {
  const int end = HeadRows::first_row(blockIdx.x + 1);
  int row = HeadRows::first_row(blockIdx.x) + threadIdx.x;
  for (; row < end; row += COMPUTING_THREADS) {
    const float distance = largest - load_shared_by_all(c.logits + row);
    if (distance < RANGE) visit(place_of(distance), distance, row);
  }
}

// Counts places by bin, or those of one bin by their place in it; then all blocks know the sums.
DEVICE void count_places(const Choosing& c, float largest, int level, int bin, Grid& grid) {
  Histogram& histogram = c.histograms[level];
  for_own_rows(c, largest, [&](u32 place, float distance, int) {
    if (level > 0 && place / BINS != bin) return;
    const int at = level > 0 ? place % BINS : place / BINS;
    atomicAdd(&histogram.counts[at], 1u);
    atomicAdd(&histogram.masses[at], (u64)(__expf(-distance) * ONE));
  });
  grid.announce();
  grid.wait();
}

// Finds the first bin up to which counts reach `count` or masses reach `mass`, added to what
// stands before the first bin; the last one where they never do.
DEVICE Found search(ChoosingSpace& space, const Histogram& histogram, u32 count, u64 mass,
                    u32 before_count, u64 before_mass) {
  const int thread = threadIdx.x, lane = thread % 32, warp = thread / 32;
  const int share = BINS / (COMPUTING_WARPS * 32);
  u32 counts[share], counted = 0;
  u64 masses[share], massed = 0;
#pragma unroll
  for (int i = 0; i < share; ++i) {
    counted += counts[i] = load_shared_by_all(histogram.counts + thread * share + i);
    massed += masses[i] = load_shared_by_all(histogram.masses + thread * share + i);
  }
  // Sums over the lanes and warps before this one.
  u32 start_count = counted;
  u64 start_mass = massed;
  for (int step = 1; step < 32; step <<= 1) {
    const u32 c = shuffle_from(start_count, lane - step & 31);
    const u64 m = (u64)shuffle_from((u32)(start_mass >> 32), lane - step & 31) << 32 |
                  shuffle_from((u32)start_mass, lane - step & 31);
    if (lane >= step) {
      start_count += c;
      start_mass += m;
    }
  }
  if (lane == 31) {
    space.counts[warp] = start_count;
    space.masses[warp] = start_mass;
  }
  sync_computing();
  start_count += before_count - counted;
  start_mass += before_mass - massed;
  for (int w = 0; w < warp; ++w) {
    start_count += space.counts[w];
    start_mass += space.masses[w];
  }
#pragma unroll
  for (int i = 0; i < share; ++i) {
    const u32 next_count = start_count + counts[i];
    const u64 next_mass = start_mass + masses[i];
    const bool is_before = start_count < count && start_mass < mass;
    const bool is_last = thread == COMPUTING_WARPS * 32 - 1 && i == share - 1;
    if (is_before && (next_count >= count || next_mass >= mass || is_last)) {
      space.found.bin = thread * share + i;
      space.found.count = start_count;
      space.found.mass = start_mass;
      space.found.own = masses[i];
    }
    start_count = next_count;
    start_mass = next_mass;
  }
  sync_computing();
  const Found found = space.found;
  sync_computing();
  return found;
}

// Draws from what top-k and then top-p keep.
DEVICE Best choose_of_few(const Choosing& c, ChoosingSpace& space, const ScoreRows& scores,
                          float largest, Grid& grid) {
  const SamplingSettings& s = scores.s;
  const u32 no_count = ~0u;
  const u64 no_mass = ~0ull;
  u32 last = BINS * BINS - 1;  // the last place that is kept
  count_places(c, largest, 0, 0, grid);
  const bool cuts_count = s.top_k > 0 && s.top_k < VOCAB;
  const Found coarse = search(space, c.histograms[0], cuts_count ? s.top_k : no_count, no_mass, 0, 0);
  u64 total = coarse.mass + coarse.own;
  if (cuts_count) {
    count_places(c, largest, 1, coarse.bin, grid);
    const Found fine =
        search(space, c.histograms[1], s.top_k, no_mass, coarse.count, coarse.mass);
    last = coarse.bin * BINS + fine.bin;
    total = fine.mass + fine.own;
  }
  if (s.top_p < 1.0f) {
    const u64 wanted = max((u64)((double)total * s.top_p), 1ull);
    const Found above = search(space, c.histograms[0], no_count, wanted, 0, 0);
    count_places(c, largest, 2, above.bin, grid);
    const Found fine = search(space, c.histograms[2], no_count, wanted, 0, above.mass);
    last = min(last, (u32)(above.bin * BINS + fine.bin));
  }
  Best best = {-INFINITY_VALUE, VOCAB};
  for_own_rows(c, largest, [&](u32 place, float distance, int row) {
    if (place <= last) best.take(gumbel(s.seed, row, scores.step) - distance, row);
  });
  return best_of_all(c, space, best, 1, grid);
}

// Chooses a token from what was scored and tells the host and the next step.
DEVICE void choose(const Choosing& c, ChoosingSpace& space, const ScoreRows& scores,
                   const StepState& before, u32 round, Grid& grid) {
  u32 fault = scores.fault;
  for (int mask = 16; mask > 0; mask >>= 1) fault |= shuffle_xor(fault, mask);
  if (threadIdx.x % 32 == 0) space.faults[threadIdx.x / 32] = fault;
  sync_computing();
  if (threadIdx.x == 0) {
    for (int w = 1; w < COMPUTING_WARPS; ++w) fault |= space.faults[w];
    c.faults[blockIdx.x] = fault;
  }
  Best best = best_of_all(c, space, scores.best, 0, grid);
  const bool has_fault = any_fault(c, space);
  if (scores.narrows && !has_fault) best = choose_of_few(c, space, scores, best.value, grid);
  if (blockIdx.x == 0 && threadIdx.x == 0) {
    const int token = has_fault ? 0 : best.token;
    c.seen[token] = 1;
    c.state->token = token;
    c.state->length = before.length + 1;
    c.state->drawn = before.drawn + 1;
    c.state->meeting = grid.meeting;
    c.state->round = round;
    store_for_host(c.ring + before.drawn % RING, has_fault ? -1 : token);
  }
}
