// Every kernel by name. One program serves one shape of model: BFLOAT16, BODY_BITS of the layers,
// HEAD_BITS of lm_head, HIDDEN, INTERMEDIATE, HEADS, HEAD_DIM, VOCAB and NORM_EPS come from the host,
// with TEAMS in a block of a matrix-vector product and the GEMV_BLOCKS that share a multiprocessor.
#include "gemv.cuh"
#include "rows.cuh"
#include "sampling.cuh"

struct NoContext {};

struct StoreFloats {
  typedef NoContext Context;
  float* out;
  DEVICE NoContext prepare(int) const { return NoContext(); }
  DEVICE void finish(NoContext, int row, int, float result, float) const { out[row] = result; }
};

struct AddToHidden {
  typedef float Context;
  float* hidden;
  DEVICE float prepare(int row) const { return hidden[row]; }
  DEVICE void finish(float before, int row, int, float result, float) const {
    hidden[row] = before + result;
  }
};

// Rows r of a tile are of the gate, rows r + 8 of the same places of up.
struct StoreGated {
  typedef NoContext Context;
  u16* out;
  DEVICE NoContext prepare(int) const { return NoContext(); }
  DEVICE void finish(NoContext, int row, int lane, float gate, float up) const {
    if (lane < 8) out[row] = from_float(silu(gate) * up);
  }
};

KERNEL(ROW_THREADS) embed(const u16* table, const StepState* state, float* hidden) {
  const u16* row = table + (long)state->token * HIDDEN;
  let_next_kernel_start();
  wait_for_kernels_before();
  const int i = blockIdx.x * ROW_THREADS + threadIdx.x;
  if (i < HIDDEN) hidden[i] = to_float(row[i]);
}

KERNEL_SHARING(GEMV_THREADS, GEMV_BLOCKS) qkv_gemv(Matrix matrix, const float* hidden, const u16* norm, float* out) {
  gemv<BODY_BITS, HIDDEN, true, 3 * HIDDEN, 16, 8>(matrix, hidden, norm, StoreFloats{out});
}

KERNEL(ATTENTION_THREADS) attend(const float* qkv, u16* keys, u16* values, const StepState* state,
                                 const float2* angles, int capacity, float* partials,
                                 u32* arrivals, u16* out) {
  attention(qkv, keys, values, &state->length, angles, capacity, partials, arrivals, out);
}

KERNEL_SHARING(GEMV_THREADS, GEMV_BLOCKS) output_gemv(Matrix matrix, const u16* mixed, float* hidden) {
  gemv<BODY_BITS, HIDDEN, false, HIDDEN, 16, 8>(matrix, mixed, nullptr, AddToHidden{hidden});
}

KERNEL_SHARING(GEMV_THREADS, GEMV_BLOCKS) gate_up_gemv(Matrix matrix, const float* hidden, const u16* norm, u16* out) {
  gemv<BODY_BITS, HIDDEN, true, 2 * INTERMEDIATE, 8, INTERMEDIATE>(matrix, hidden, norm,
                                                              StoreGated{out});
}

KERNEL_SHARING(GEMV_THREADS, GEMV_BLOCKS) down_gemv(Matrix matrix, const u16* gated, float* hidden) {
  gemv<BODY_BITS, INTERMEDIATE, false, HIDDEN, 16, 8>(matrix, gated, nullptr, AddToHidden{hidden});
}

KERNEL_SHARING(GEMV_THREADS, GEMV_BLOCKS) head_gemv(Matrix matrix, const float* hidden, const u16* norm, float* logits) {
  gemv<HEAD_BITS, HIDDEN, true, VOCAB, 16, 8>(matrix, hidden, norm, StoreFloats{logits});
}

KERNEL(SAMPLING_THREADS) sample(float* logits, u8* seen, const SamplingSettings* settings,
                                StepState* state, int* ring) {
  choose(logits, seen, settings, state, ring);
}

KERNEL(ROW_THREADS) norm_many(const float* hidden, const u16* weight, u16* out) {
  norm_rows(hidden, weight, out);
}

KERNEL(ROW_THREADS) rotate_many(u16* qkv, u16* keys, u16* values, const float2* angles, int first,
                                int capacity) {
  rotate_rows(qkv, keys, values, angles, first, capacity);
}

KERNEL(ROW_THREADS) gate_many(const u16* gate_up, u16* out) { gate_rows(gate_up, out); }

KERNEL(ROW_THREADS) unpack_4_bits(Matrix matrix, u16* out, int columns, int first, int tiles,
                            int tile_rows, int second, int out_second) {
  unpack_rows<4>(matrix, out, columns, first, tiles, tile_rows, second, out_second);
}

KERNEL(ROW_THREADS) unpack_8_bits(Matrix matrix, u16* out, int columns, int first, int tiles,
                                 int tile_rows, int second, int out_second) {
  unpack_rows<8>(matrix, out, columns, first, tiles, tile_rows, second, out_second);
}
