// A whole step in one kernel: from the token chosen last to the next.
//
// One block on each multiprocessor, all at once. In each phase every block computes some rows of
// one matrix; what it found is written to memory, and after a meeting of all blocks every block
// reads what it needs for the next. What can be fetched before a meeting is.
#pragma once

#include "attention.cuh"
#include "grid.cuh"
#include "product.cuh"
#include "sampling.cuh"

#define BATCH_TILES 8  // whose rows a block finishes together

struct StepArguments {
  const Layer* layers;
  const u16* embedding;  // (VOCAB, HIDDEN)
  const u16* norm;
  Matrix head;
  const float2* angles;  // cos and sin (positions, HEAD_DIM / 2)
  float* hidden;         // (HIDDEN)
  float* qkv;            // (3 HIDDEN)
  u16* gated;            // (INTERMEDIATE)
  float* mixes;          // (HEADS, SPLITS, HEAD_DIM)
  float2* weights;       // (HEADS, SPLITS)
  u32* arrivals;         // of blocks at meetings
  Choosing choosing;
  int capacity;
  int layer_count;  // 0: only choose a token from `hidden`
};

struct Fixed {
  Layer layers[LAYERS];
  float partial[2][BATCH_TILES][WARPS][TILE_ROWS];
  Reduction reduction;
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

struct StoreRows {
  float* out;
  DEVICE float prepare(int) const { return 0.0f; }
  DEVICE void finish(float, int row, float result) { out[row] = result; }
};

struct AddToHidden {
  float* hidden;
  DEVICE float prepare(int row) const { return load_shared_by_all(hidden + row); }
  DEVICE void finish(float before, int row, float result) { hidden[row] = before + result; }
};

DEVICE float sum_of_warps(const float (&partial)[WARPS][TILE_ROWS], int place) {
  float sum = 0.0f;
#pragma unroll
  for (int w = 0; w < WARPS; ++w) sum += partial[w][place];
  return sum;
}

// The computing warps' part.
struct Step {
  const StepArguments& a;
  Shared& shared;
  Ring<STAGES> ring;
  Grid grid;
  int parity;

  DEVICE Step(const StepArguments& arguments, Shared& space, RingMemory<STAGES>& own, u32 meeting)
      : a(arguments), shared(space), ring(own), grid{arguments.arrivals, meeting}, parity(0) {}

  // Leaves the sums of each warp for a batch of tiles; returns where.
  template <int BITS, int K>
  DEVICE const float (*multiply_batch(const Inputs<BITS, K>& x, int count))[WARPS][TILE_ROWS] {
    const int thread = threadIdx.x, warp = thread / 32 % WARPS, lane = thread % 32;
    parity ^= 1;
    float(*partial)[WARPS][TILE_ROWS] = shared.fixed.partial[parity];
    for (int i = thread / 32 / WARPS; i < count; i += TEAMS) {
      float total[2];
      multiply_tile(ring, x, total);
      if (lane % 4 == 0) {
        partial[i][warp][lane / 4] = total[0];
        partial[i][warp][lane / 4 + 8] = total[1];
      }
    }
    sync_computing();
    return partial;
  }

  // y = W x for this block's rows of W; each row ends in `output`.
  template <class R, int BITS, int K, class Output>
  DEVICE void multiply(const Inputs<BITS, K>& x, const float* scales, Output& output) {
    const int first = R::first_tile(blockIdx.x, gridDim.x);
    const int end = R::first_tile(blockIdx.x + 1, gridDim.x);
    for (int tile = first; tile < end; tile += BATCH_TILES) {
      const int count = min(BATCH_TILES, end - tile);
      const int own = threadIdx.x / TILE_ROWS, place = threadIdx.x % TILE_ROWS;
      const int row = R::row(tile + own, place);
      const bool has_row = own < count && row < R::N;
      float context = 0.0f, scale = 1.0f;
      if (has_row) {
        context = output.prepare(row);
        if (BITS == 8) scale = __ldg(scales + row);
      }
      const auto* partial = multiply_batch(x, count);
      if (has_row) output.finish(context, row, sum_of_warps(partial[own], place) * x.unscale * scale);
    }
  }

  // silu(gate) * up for this block's rows of both.
  template <int BITS, int K>
  DEVICE void multiply_gate_up(const Inputs<BITS, K>& x, const float* scales) {
    typedef GateUpRows R;
    const int first = R::first_tile(blockIdx.x, gridDim.x);
    const int end = R::first_tile(blockIdx.x + 1, gridDim.x);
    for (int tile = first; tile < end; tile += BATCH_TILES) {
      const int count = min(BATCH_TILES, end - tile);
      const int own = threadIdx.x / 8, place = threadIdx.x % 8;
      const int row = R::row(tile + own, place);
      const bool has_row = own < count;
      float gate_scale = 1.0f, up_scale = 1.0f;
      if (BITS == 8 && has_row) {
        gate_scale = __ldg(scales + row);
        up_scale = __ldg(scales + row + R::SECOND);
      }
      const auto* partial = multiply_batch(x, count);
      if (has_row) {
        const float gate = sum_of_warps(partial[own], place) * x.unscale * gate_scale;
        const float up = sum_of_warps(partial[own], place + 8) * x.unscale * up_scale;
        a.gated[row] = from_float(silu(gate) * up);
      }
    }
  }

  // Every block writes the same: it reads it before any other block can have changed it.
  DEVICE void embed(const u16* row) {
    for (int i = threadIdx.x; i < HIDDEN; i += COMPUTING_THREADS) a.hidden[i] = to_float(row[i]);
    sync_computing();
  }

  DEVICE void compute_layer(const Layer& layer, bool is_first, int past) {
    {
      Inputs<BODY_BITS, HIDDEN> x;
      StoreRows output = {a.qkv};
      NormedHidden source;
      source.hidden = a.hidden;
      source.template fetch<BODY_BITS>(layer.input_norm);
      if (!is_first) grid.wait();
      x.template fill<true>(source, shared.fixed.reduction);
      multiply<QkvRows>(x, layer.qkv.scales, output);
      grid.announce();
    }
    grid.wait();
    attend(ring, shared.fixed.attention, a.qkv, layer, a.angles, past, a.capacity,
           a.mixes, a.weights);
    grid.announce();
    grid.wait();
    {
      Inputs<BODY_BITS, HIDDEN> x;
      x.template fill<false>(MixedHeads{a.mixes, a.weights}, shared.fixed.reduction);
      AddToHidden output = {a.hidden};
      multiply<HiddenRows>(x, layer.output.scales, output);
      grid.announce();
    }
    {
      Inputs<BODY_BITS, HIDDEN> x;
      NormedHidden source;
      source.hidden = a.hidden;
      source.template fetch<BODY_BITS>(layer.post_norm);
      grid.wait();
      x.template fill<true>(source, shared.fixed.reduction);
      multiply_gate_up(x, layer.gate_up.scales);
      grid.announce();
    }
    grid.wait();
    {
      Inputs<BODY_BITS, INTERMEDIATE> x;
      x.template fill<false>(Gated{a.gated}, shared.fixed.reduction);
      AddToHidden output = {a.hidden};
      multiply<HiddenRows>(x, layer.down.scales, output);
      grid.announce();
    }
  }

  DEVICE void compute(const StepState& state) {
    if (a.layer_count > 0) embed(a.embedding + (long)state.token * HIDDEN);
    for (int number = 0; number < a.layer_count; ++number)
      compute_layer(shared.fixed.layers[number], number == 0, state.length);

    Inputs<HEAD_BITS, HIDDEN> x;
    NormedHidden source;
    source.hidden = a.hidden;
    source.template fetch<HEAD_BITS>(a.norm);
    if (a.layer_count > 0) grid.wait();
    x.template fill<true>(source, shared.fixed.reduction);
    ScoreRows scores(a.choosing);
    multiply<HeadRows>(x, a.head.scales, scores);
    choose(a.choosing, shared.fixed.choosing, scores, state, grid);
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
    Step step(a, shared, shared.rings[warp], state.meeting);
    step.compute(state);
  }
}
