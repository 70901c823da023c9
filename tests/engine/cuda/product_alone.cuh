// One matrix times one vector without the rest of a step: what tests of every width need.
#pragma once

#include "product.cuh"

struct Given {
  const float* values;

  template <class I>
  DEVICE void receive(float (&out)[I::GROUPS][8], float&) const {
    for (int g = 0; g < I::GROUPS; ++g)
      for (int i = 0; i < 8; ++i) out[g][i] = I::column(g) >= 0 ? values[I::column(g) + i] : 0.0f;
  }
};

// out (rows): tiles of 16 in 8 and 4 bits, whose rows the scales of 8 bits are left out of.
template <int BITS, int K>
void multiply_alone(const u8* weights, const float* x, float* out, int rows) {
  typedef Plan<BITS, K> P;
  struct Memory {
    RingMemory<P::PIECES> rings[COMPUTING_WARPS];
    float sums[COMPUTING_WARPS][TILE_ROWS], reduction[COMPUTING_WARPS];
    __align__(16) u16 values[K];
  };
  Memory& memory = *(Memory*)shared_memory();
  const int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
  RingMemory<P::PIECES>& own = memory.rings[warp];
  if (lane == 0)
    for (int i = 0; i < P::PIECES; ++i) {
      prepare_barrier(&own.full[i], 1);
      prepare_barrier(&own.empty[i], 1);
    }
  sync_warp();
  Ring<P::PIECES> ring(own);
  Inputs<BITS, K> inputs;
  fill<false>(inputs, Given{x}, memory.reduction, memory.values);
  const auto put = [&](const u8* from, int bytes) {
    if (lane == 0) {
      memcpy(own.stages[ring.slot], from, bytes);
      arrive(&own.full[ring.slot]);
    }
  };
  if constexpr (BITS == 16) {
    for (int row = warp; row < rows; row += COMPUTING_WARPS) {
      const int slot = ring.slot;
      for (int p = 0; p < P::PIECES; ++p) {
        ring.slot = (slot + p) % P::PIECES;
        const int bytes = K * 2 - p * P::PIECE_BYTES;
        put(weights + (long)row * K * 2 + p * P::PIECE_BYTES, min(bytes, P::PIECE_BYTES));
      }
      ring.slot = slot;
      const float sum = multiply_row(ring, inputs);
      if (lane == 0) out[row] = sum;
    }
  } else {
    for (int tile = 0; tile < rows / TILE_ROWS; ++tile) {
      const u8* from = weights + (long)tile * P::start(WARPS) + P::start(warp);
      const int slot = ring.slot;
      for (int p = 0; p < P::pieces(warp); ++p) {
        const int units = min(P::U::IN_PIECE, P::units(warp) - p * P::U::IN_PIECE);
        ring.slot = (slot + p) % P::PIECES;
        put(from + p * P::PIECE_BYTES, units * P::U::BYTES + P::U::SCALE_BYTES);
      }
      ring.slot = slot;
      float total[2];
      multiply_tile(ring, inputs, total);
      if (lane % 4 == 0) {
        memory.sums[warp][lane / 4] = total[0];
        memory.sums[warp][lane / 4 + 8] = total[1];
      }
      sync_computing();
      if (threadIdx.x < TILE_ROWS) {
        float sum = 0.0f;
        for (int w = 0; w < COMPUTING_WARPS; ++w) sum += memory.sums[w][threadIdx.x];
        out[tile * TILE_ROWS + threadIdx.x] = sum;
      }
      sync_computing();
    }
  }
}

KERNEL(COMPUTING_THREADS) product_alone(const u8* weights, const float* x, float* out, int rows) {
  multiply_alone<BODY_BITS, INTERMEDIATE>(weights, x, out, rows);
}
