// The model's 16-bit type: float16, or bfloat16 where BFLOAT16 is 1. Kept as raw bits.
#pragma once

#include "intrinsics.cuh"

DEVICE float to_float(u16 bits) { return BFLOAT16 ? bfloat_to_float(bits) : half_to_float(bits); }
DEVICE u16 from_float(float value) { return BFLOAT16 ? float_to_bfloat(value) : float_to_half(value); }

DEVICE float low_to_float(u32 pair) { return to_float((u16)(pair & 0xffffu)); }
DEVICE float high_to_float(u32 pair) { return to_float((u16)(pair >> 16)); }

DEVICE void unpack8(const uint4& raw, float (&out)[8]) {
  const u32 words[4] = {raw.x, raw.y, raw.z, raw.w};
#pragma unroll
  for (int i = 0; i < 4; ++i) {
    out[2 * i] = low_to_float(words[i]);
    out[2 * i + 1] = high_to_float(words[i]);
  }
}

DEVICE u32 pack2(u16 low, u16 high) { return (u32)low | ((u32)high << 16); }

DEVICE uint4 pack8(const float (&in)[8]) {
  uint4 raw;
  raw.x = pack2(from_float(in[0]), from_float(in[1]));
  raw.y = pack2(from_float(in[2]), from_float(in[3]));
  raw.z = pack2(from_float(in[4]), from_float(in[5]));
  raw.w = pack2(from_float(in[6]), from_float(in[7]));
  return raw;
}

DEVICE float silu(float x) { return divide(x, 1.0f + __expf(-x)); }
