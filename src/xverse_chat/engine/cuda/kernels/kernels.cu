// Every kernel by name. One program serves one shape of model: BFLOAT16, BODY_BITS of the layers,
// HEAD_BITS of lm_head, LAYERS, HIDDEN, INTERMEDIATE, HEADS, HEAD_DIM, VOCAB and NORM_EPS come from the
// host; so does the division of the work: BLOCKS, TEAMS of warps in a block, SPLITS of a head's tokens,
// ROW_PIECE in columns of 16-bit weights, and the SHARED_LIMIT in bytes of a block's memory.
#include "rows.cuh"
#include "step.cuh"

extern "C" CONSTANT_FOR_HOST int step_shared_bytes = sizeof(Shared);

KERNEL_ALONE(BLOCK_THREADS) decode_step(StepArguments arguments) {
  run_step(arguments, *(Shared*)shared_memory());
}

KERNEL(ROW_THREADS) norm_many(const float* hidden, const u16* weight, u16* out) {
  norm_rows(hidden, weight, out);
}

KERNEL(ROW_THREADS) rotate_many(u16* qkv, u16* keys, u16* values, const float2* angles, int first,
                                int capacity) {
  rotate_rows(qkv, keys, values, angles, first, capacity);
}

KERNEL(ROW_THREADS) gate_many(const u16* gate_up, u16* out) { gate_rows(gate_up, out); }

#if BODY_BITS < 16
#define UNPACK(name, P, R)                                                                   \
  KERNEL(ROW_THREADS) name(Matrix matrix, u16* out, int first, int out_second) {             \
    unpack_tile<P, R>(matrix, out, first, out_second);                                       \
  }
UNPACK(unpack_qkv, HiddenPlan, QkvRows)
UNPACK(unpack_output, HiddenPlan, HiddenRows)
UNPACK(unpack_gate_up, HiddenPlan, GateUpRows)
UNPACK(unpack_down, DownPlan, HiddenRows)
UNPACK(unpack_head, HeadPlan, HeadRows)
#endif

// The hidden state (HIDDEN) of the last token of a prompt, to where the step's last layer leaves it.
KERNEL(ROW_THREADS) hand_over(const float* from, u32* hidden, const StepState* state) {
  const int i = blockIdx.x * ROW_THREADS + threadIdx.x;
  const Exchange out = {hidden, state->round};
  if (i < HIDDEN) out.send(i, from[i]);
}
