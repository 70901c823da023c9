// A whole step in one kernel: from the token chosen last to the next.
//
// One block on each multiprocessor, all at once. In each phase every block computes some rows of
// one matrix and sends them; in the next it receives all of what it needs from the others.
#pragma once

#include "attention.cuh"
#include "grid.cuh"
#include "product.cuh"
#include "sampling.cuh"

#define BATCH_ROWS 128  // that a block finishes together
#define BATCH_TILES (BATCH_ROWS / TILE_ROWS)
#define PHASES 5u  // of a layer

struct StepArguments {
  const Layer* layers;
  const u16* embedding;  // (VOCAB, HIDDEN)
  const u16* norm;
  Matrix head;
  const float2* angles;    // cos and sin (positions, HEAD_DIM / 2)
  u32* hidden;             // (2, HIDDEN) after the whole layer, and within it after attention
  u32* qkv;                // (3 HIDDEN)
  u32* gated;              // (INTERMEDIATE)
  u32* mixes;              // (HEADS, SPLITS, HEAD_DIM)
  u32* weights;            // (HEADS, SPLITS, 2)
  u32* arrivals;           // of blocks at meetings
  u32* phases;             // that blocks have done
  Choosing choosing;
  int capacity;
  int layer_count;  // 0: only choose a token from `hidden`
};

struct Fixed {
  Layer layers[LAYERS];
  // Of a batch, twice: the sums of rows, in 8 and 4 bits those of each warp.
  float sums[2][BODY_BITS == 16 ? 1 : WARPS][BATCH_ROWS];
  __align__(16) u16 values[BODY_BITS == 16 ? larger(HIDDEN, INTERMEDIATE) : 8];
  float reduction[COMPUTING_WARPS];
  AttentionSpace attention;
  ChoosingSpace choosing;
};

// As many stages as there is room for: 128 bytes of a ring may be lost to its alignment.
constexpr int STAGES = ((SHARED_LIMIT - (int)sizeof(Fixed) - 128) / COMPUTING_WARPS - 128) /
                       (STAGE_BYTES + 2 * (int)sizeof(u64));
static_assert(STAGES >= 1, "the shared memory does not hold one piece for each warp");

struct Shared {
  RingMemory<STAGES> rings[COMPUTING_WARPS];
  Fixed fixed;
};
static_assert(sizeof(Shared) <= SHARED_LIMIT, "too much shared memory");

// What becomes of the rows of a product. `prepare` fetches what `finish` will need.

struct SendRows {
  Exchange out;
  DEVICE float prepare(int) const { return 0.0f; }
  DEVICE void finish(float, int row, float result) { out.send(row, result); }
};

// The sum of what was in hidden and the product. In the first layer that is the embedding.
struct AddToHidden {
  Exchange from, out;
  const u16* embedded;  // or null
  DEVICE float prepare(int row) const {
    return embedded ? to_float(embedded[row]) : Exchange::value_of(load_relaxed(from.words + row));
  }
  DEVICE void finish(float before, int row, float result) { out.send(row, before + result); }
};

// The computing warps' part.
struct Step {
  const StepArguments& a;
  Fixed& space;
  Ring<STAGES> ring;
  Progress progress;
  int parity;

  DEVICE Step(const StepArguments& arguments, Shared& shared, u32 round)
      : a(arguments),
        space(shared.fixed),
        ring(shared.rings[threadIdx.x / 32]),
        progress{arguments.phases, round * PHASES * BLOCKS},
        parity(0) {}

  // Computes `count` tiles, or rows of 16 bits, of which `sum_of_row` then knows the sums.
  template <int BITS, int K>
  DEVICE void multiply_batch(const Inputs<BITS, K>& x, int count) {
    const int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
    parity ^= 1;
    if constexpr (BITS == 16) {
      for (int i = warp; i < count; i += COMPUTING_WARPS) {
        const float sum = multiply_row(ring, x);
        if (lane == 0) space.sums[parity][0][i] = sum;
      }
    } else {
      for (int i = warp / WARPS; i < count; i += TEAMS) {
        float total[2];
        multiply_tile(ring, x, total);
        if (lane % 4 == 0) {
          float* sums = space.sums[parity][warp % WARPS] + i * TILE_ROWS;
          sums[lane / 4] = total[0];
          sums[lane / 4 + 8] = total[1];
        }
      }
    }
    sync_computing();
  }

  DEVICE float sum_of_row(int place) const {
    float sum = 0.0f;
#pragma unroll
    for (int w = 0; w < (BODY_BITS == 16 ? 1 : WARPS); ++w) sum += space.sums[parity][w][place];
    return sum;
  }

  // y = W x for this block's rows of W; each row ends in `output`.
  template <class R, int BITS, int K, class Output>
  DEVICE void multiply(const Inputs<BITS, K>& x, const float* scales, Output& output) {
    const int step = BITS == 16 ? BATCH_ROWS : BATCH_TILES, item_rows = BATCH_ROWS / step;
    const int first = R::first_share(blockIdx.x);
    const int end = R::first_share(blockIdx.x + 1);
    for (int item = first; item < end; item += step) {
      const int count = min(step, end - item), row = item * item_rows + threadIdx.x;
      const bool has_row = (int)threadIdx.x < count * item_rows && row < R::N;
      float context = 0.0f, scale = 1.0f;
      if (has_row) {
        context = output.prepare(row);
        if (BITS == 8) scale = __ldg(scales + row);
      }
      multiply_batch(x, count);
      if (has_row) output.finish(context, row, sum_of_row(threadIdx.x) * scale);
    }
  }

  // silu(gate) * up for this block's rows of both.
  template <int BITS, int K>
  DEVICE void multiply_gate_up(const Inputs<BITS, K>& x, const float* scales,
                               const Exchange& out) {
    typedef GateUpRows R;
    const int step = BITS == 16 ? BATCH_ROWS / 2 : BATCH_TILES, pairs = BATCH_ROWS / 2 / step;
    const int first = R::first_share(blockIdx.x);
    const int end = R::first_share(blockIdx.x + 1);
    for (int item = first; item < end; item += step) {
      const int count = min(step, end - item), row = item * pairs + threadIdx.x;
      const bool has_row = (int)threadIdx.x < count * pairs;
      float gate_scale = 1.0f, up_scale = 1.0f;
      if (BITS == 8 && has_row) {
        gate_scale = __ldg(scales + row);
        up_scale = __ldg(scales + row + R::SECOND);
      }
      multiply_batch(x, BITS == 16 ? 2 * count : count);
      if (has_row) {
        const int own = threadIdx.x;
        const int gate_at = BITS == 16 ? 2 * own : own / 8 * TILE_ROWS + own % 8;
        const float gate = sum_of_row(gate_at) * gate_scale;
        const float up = sum_of_row(gate_at + (BITS == 16 ? 1 : 8)) * up_scale;
        out.send(row, silu(gate) * up);
      }
    }
  }

  template <bool NORM, int BITS, int K, class Source>
  DEVICE void fill_inputs(Inputs<BITS, K>& x, const Source& source, bool is_given = false) {
    if (!is_given) progress.wait();
    fill<NORM>(x, source, space.reduction, space.values);
  }

  // `embedded` is the embedding of the token, in the first layer; else null.
  DEVICE void compute_layer(const Layer& layer, u32 round, const u16* embedded, int past) {
    typedef Inputs<BODY_BITS, HIDDEN> HiddenInputs;
    const Exchange before = {a.hidden, round}, after = {a.hidden, round + 1};
    const Exchange within = {a.hidden + HIDDEN, round + 1};
    const Exchange qkv = {a.qkv, round + 1}, gated = {a.gated, round + 1};
    const Exchange mixes = {a.mixes, round + 1}, weights = {a.weights, round + 1};
    {
      HiddenInputs x;
      SendRows output = {qkv};
      fill_inputs<true>(x, NormedHidden<HiddenInputs>(before, embedded, layer.input_norm),
                        embedded != nullptr);
      multiply<QkvRows>(x, layer.qkv.scales, output);
      progress.tell();
    }
    // Three words for each thread, of a few blocks: watched from the start.
    sync_computing();
    attend(ring, space.attention, qkv, layer, a.angles + (long)past * (HEAD_DIM / 2), past,
           a.capacity, mixes, weights);
    progress.tell();
    {
      HiddenInputs x;
      AddToHidden output = {before, within, embedded};
      fill_inputs<false>(x, MixedHeads{mixes, weights, splits_for(past)});
      multiply<HiddenRows>(x, layer.output.scales, output);
      progress.tell();
    }
    {
      HiddenInputs x;
      fill_inputs<true>(x, NormedHidden<HiddenInputs>(within, nullptr, layer.post_norm));
      multiply_gate_up(x, layer.gate_up.scales, gated);
      progress.tell();
    }
    {
      Inputs<BODY_BITS, INTERMEDIATE> x;
      AddToHidden output = {within, after, nullptr};
      fill_inputs<false>(x, Gated{gated});
      multiply<HiddenRows>(x, layer.down.scales, output);
      progress.tell();
    }
  }

  DEVICE void compute(const StepState& state) {
    const u16* embedded = a.embedding + (long)state.token * HIDDEN;
    u32 round = state.round;
    for (int number = 0; number < a.layer_count; ++number)
      compute_layer(space.layers[number], round++, number == 0 ? embedded : nullptr, state.length);

    typedef Inputs<HEAD_BITS, HIDDEN> HeadInputs;
    HeadInputs x;
    fill_inputs<true>(x, NormedHidden<HeadInputs>({a.hidden, round}, nullptr, a.norm));
    ScoreRows scores(a.choosing);
    multiply<HeadRows>(x, a.head.scales, scores);
    Grid grid = {a.arrivals, state.meeting};
    choose(a.choosing, space.choosing, scores, state, round, grid);
  }
};

DEVICE void run_step(const StepArguments& a, Shared& shared) {
  const StepState state = *a.choosing.state;
  const int thread = threadIdx.x, warp = thread / 32;
  for (int i = thread; i < a.layer_count * (int)(sizeof(Layer) / 4); i += BLOCK_THREADS)
    ((u32*)shared.fixed.layers)[i] = ((const u32*)a.layers)[i];
  clear_histograms(a.choosing);
  if (thread < COMPUTING_WARPS) {
    for (int slot = 0; slot < STAGES; ++slot) {
      prepare_barrier(&shared.rings[thread].full[slot], COPYING_THREADS);
      prepare_barrier(&shared.rings[thread].empty[slot], 1);
    }
    barriers_are_prepared();
  }
  sync_block();
  if (warp >= COMPUTING_WARPS) {
    read_for_others(shared.rings, warp - COMPUTING_WARPS, shared.fixed.layers, a.head.weights,
                    a.capacity, state.length, a.layer_count);
  } else {
    Step step(a, shared, state.round);
    step.compute(state);
  }
}
