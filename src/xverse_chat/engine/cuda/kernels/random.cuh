// Random numbers that need no state: the same for the same seed, token and step, on every GPU.
#pragma once

#include "intrinsics.cuh"

// Philox 4x32-10 (Salmon et al., SC 2011), the first word of its output.
DEVICE u32 philox(u32 key0, u32 key1, u32 counter0, u32 counter1) {
  u32 c[4] = {counter0, counter1, 0u, 0u};
#pragma unroll
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
  return c[0];
}

// Of all tokens the one with the largest score + gumbel is a draw from softmax(scores).
DEVICE float gumbel(const u32 (&seed)[2], int token, int step) {
  const u32 random = philox(seed[0], seed[1], (u32)token, (u32)step);
  const float uniform = ((random >> 8) + 0.5f) * (1.0f / 16777216.0f);
  return -__logf(-__logf(uniform));
}
