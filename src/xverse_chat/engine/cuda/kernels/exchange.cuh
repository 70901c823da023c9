// How blocks hand floats to each other within a step: every word carries a tag in its last four bits,
// so whoever reads it sees by itself whether it is the one of this layer. No meeting, no fence:
// a store and a load are all that lies between two phases (as in NCCL's LL protocol, which
// spends a whole word on the flag). Four of 23 bits of the mantissa are lost.
//
// Watching the words themselves would keep the memory busy for nothing. So blocks also count how far
// they are, and one thread of each watches the count; it is only a hint, in no order with the words.
//
// A buffer may be written again once all of what was computed from it has been received by the
// writer: two phases later. Each buffer here is written once a layer, its tag one higher each time.
#pragma once

#include "ring.cuh"

#define TAG_BITS 15u
// So many blocks may still be missing when the others begin to watch the words: by then the count,
// which tells of them late, is behind the words. On an H200 in 4 bits: none 1.424 ms a token, a
// sixteenth 1.395, a quarter 1.419.
#define MISSING_BLOCKS (BLOCKS / 16)

struct Exchange {
  u32* words;
  u32 tag;  // as a whole number; its last bits are what words carry

  DEVICE void send(int place, float value) const {
    store_relaxed(words + place, (__float_as_uint(value) & ~TAG_BITS) | (tag & TAG_BITS));
  }

  DEVICE bool is_due(u32 word) const { return ((word ^ tag) & TAG_BITS) != 0; }
  static DEVICE float value_of(u32 word) { return __uint_as_float(word & ~TAG_BITS); }

  // Receives one word.
  DEVICE float receive(int place) const {
    u32 word;
    while (is_due(word = load_relaxed(words + place))) wait_a_little();
    return value_of(word);
  }

  // Loads the eight words from `place` on; tells whether one of them is still due.
  DEVICE bool load(int place, float (&out)[8]) const {
    const uint4 a = load_relaxed((const uint4*)(words + place));
    const uint4 b = load_relaxed((const uint4*)(words + place) + 1);
    const u32 raw[8] = {a.x, a.y, a.z, a.w, b.x, b.y, b.z, b.w};
    bool due = false;
#pragma unroll
    for (int i = 0; i < 8; ++i) {
      due |= is_due(raw[i]);
      out[i] = value_of(raw[i]);
    }
    return due;
  }
};

struct Progress {
  u32* count;  // of phases that blocks have done
  u32 expected;

  DEVICE void tell() {
    expected += BLOCKS;
    if (threadIdx.x == 0) add_relaxed(count, 1u);
  }

  // Waits until nearly all blocks have done what this one has done.
  DEVICE void wait() const {
    if (threadIdx.x == 0)
      while ((int)(load_relaxed(count) - expected) < -MISSING_BLOCKS) wait_a_little();
    sync_computing();
  }
};
