// Pieces of memory on their way to the warps that compute with them, always some ahead.
//
// Weights and the keys and values of past tokens depend on nothing that a step computes. So
// some warps of a block, which compute nothing, read for the others: their copies into shared
// memory go on while blocks wait for each other, and the memory never rests. Each computing warp
// has a ring of stages, filled in turn.
#pragma once

#include "plan.cuh"

#define COMPUTING_WARPS (TEAMS * WARPS)
#define COMPUTING_THREADS (COMPUTING_WARPS * 32)
#define READING_WARPS 4
#define BLOCK_THREADS (COMPUTING_THREADS + READING_WARPS * 32)
#define TOKENS_IN_PIECE 8
#define KEY_BYTES (TOKENS_IN_PIECE * HEAD_DIM * 2)

constexpr DEVICE int larger(int a, int b) { return a > b ? a : b; }
constexpr int STAGE_BYTES =
    larger(2 * KEY_BYTES, larger(HiddenPlan::PIECE_BYTES, larger(DownPlan::PIECE_BYTES, HeadPlan::PIECE_BYTES)));
static_assert(STAGE_BYTES % 16 == 0, "copies are of 16 bytes");

// Waits for all computing warps of the block.
DEVICE void sync_computing() { sync_some(COMPUTING_THREADS); }

// Full when its copies have arrived, empty when its warp has read them.
template <int STAGES>
struct RingMemory {
  __align__(128) u8 stages[STAGES][STAGE_BYTES];
  u64 full[STAGES], empty[STAGES];
};

// The end of a ring where a computing warp takes pieces.
template <int STAGES>
struct Ring {
  RingMemory<STAGES>& memory;
  int slot;
  u32 parity;

  DEVICE Ring(RingMemory<STAGES>& own) : memory(own), slot(0), parity(0) {}

  // Waits for the next piece.
  DEVICE const u8* take() {
    wait_until_complete(&memory.full[slot], parity);
    return memory.stages[slot];
  }

  // The piece taken last has been read: its place can be filled again.
  DEVICE void give_back() {
    sync_warp();
    if (threadIdx.x % 32 == 0) arrive(&memory.empty[slot]);
    if (++slot == STAGES) {
      slot = 0;
      parity ^= 1;
    }
  }
};
