// All computing warps of a step wait for each other: each raises its own flag, and one warp of each block
// watches the flags of all. No two blocks write to one place, so none waits for another's write.
#pragma once

#include "ring.cuh"

struct Grid {
  u32* flags;  // of each block, the number of its last meeting
  u32 meeting;

  // What every thread of this block wrote before is seen by every block after `wait`.
  DEVICE void announce() {
    ++meeting;
    sync_computing();
    if (threadIdx.x == 0) store_release(flags + blockIdx.x, meeting);
  }

  DEVICE void wait() {
    if (threadIdx.x < 32) {
      for (int block = threadIdx.x; block < gridDim.x; block += 32)
        while ((int)(load_acquire(flags + block) - meeting) < 0) pause();
      sync_warp();
    }
    sync_computing();
  }
};
