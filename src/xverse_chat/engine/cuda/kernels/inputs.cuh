// The vector that a matrix is multiplied with, in the registers of the warps that need it.
//
// Lane 4r + q of a warp holds, for unit r of each of its pieces, the columns that lane q of every
// row reads. So column r of the right operand of a multiplication is what belongs to unit r, and
// one register of a lane serves all units of a piece.
#pragma once

#include "ring.cuh"

struct Reduction {
  float squares[COMPUTING_WARPS], largest[COMPUTING_WARPS];
};

// Quantized weights are multiplied in float16 whatever the model's type is: the input is scaled by
// a power of two so that its largest value lies in [256, 512), and nothing overflows.
template <int BITS, int K>
struct Inputs {
  typedef Plan<BITS, K> P;
  CONSTANT OWN = P::U::OWN;

  u32 pairs[P::PIECES][OWN / 2];
  // Sums of what is in `pairs`: 4 bits, over unit 2q and unit 2q + 1 of each piece; 8 bits, [0][0]
  // over all columns of the warp.
  float sums[BITS == 4 ? P::PIECES : 1][2];
  float unscale;

  // First of this lane's columns in a piece, or -1 where the piece has no such unit.
  static DEVICE int column(int piece) {
    const int warp = threadIdx.x / 32 % WARPS, lane = threadIdx.x % 32;
    const int unit = piece * P::U::IN_PIECE + lane / 4;
    const bool is_there = lane / 4 < P::U::IN_PIECE && (P::IS_EVEN || unit < P::units(warp));
    return is_there ? (P::first_unit(warp) + unit) * P::U::COLUMNS + lane % 4 * OWN : -1;
  }

  // Takes values from `source`, which adds squares for RMS normalisation (arXiv 1910.07467) where
  // NORM is true. All threads come here.
  template <bool NORM, class Source>
  DEVICE void fill(const Source& source, Reduction& reduction) {
    float values[P::PIECES][OWN];
    float squares = 0.0f, largest = 0.0f;
#pragma unroll
    for (int p = 0; p < P::PIECES; ++p) {
      const int first = column(p);
#pragma unroll
      for (int i = 0; i < OWN; i += 8) {
        float part[8] = {};
        if (first >= 0) source.load(p, i, first + i, part, squares);
#pragma unroll
        for (int j = 0; j < 8; ++j) {
          values[p][i + j] = part[j];
          largest = fmaxf(largest, fabsf(part[j]));
        }
      }
    }
    float scale = 1.0f;
    unscale = 1.0f;
    if (NORM || BITS < 16) {
      const int thread = threadIdx.x, own = thread / 32, team = own / WARPS;
      squares = sum_of_warp(squares);
      largest = largest_of_warp(largest);
      if (thread % 32 == 0) {
        reduction.squares[own] = squares;
        reduction.largest[own] = largest;
      }
      sync_computing();
      squares = largest = 0.0f;
#pragma unroll
      for (int w = 0; w < WARPS; ++w) {
        squares += reduction.squares[team * WARPS + w];
        largest = fmaxf(largest, reduction.largest[team * WARPS + w]);
      }
      if (NORM) scale = rsqrtf(squares / K + NORM_EPS);
      if (BITS < 16) {
        const int exponent = (int)(__float_as_uint(largest * scale) >> 23) - 127;
        const int shift = min(max(8 - exponent, -100), 100);
        scale *= power_of_two(shift);
        unscale = power_of_two(-shift);
      }
    }
    float total = 0.0f;
#pragma unroll
    for (int p = 0; p < P::PIECES; ++p) {
      float sum = 0.0f;
#pragma unroll
      for (int i = 0; i < OWN; i += 2) {
        const float a = values[p][i] * scale, b = values[p][i + 1] * scale;
        const u16 low = BITS < 16 ? float_to_half(a) : from_float(a);
        const u16 high = BITS < 16 ? float_to_half(b) : from_float(b);
        pairs[p][i / 2] = pack2(low, high);
        if (BITS < 16) sum += half_to_float(low) + half_to_float(high);
      }
      if (BITS == 4) {
        // Lane 4r + q now needs what the lanes 8q to 8q + 3 and 8q + 4 to 8q + 7 have.
        sum += shuffle_xor(sum, 1);
        sum += shuffle_xor(sum, 2);
        const int q = threadIdx.x % 4;
        sums[p][0] = float_from(sum, 8 * q);
        sums[p][1] = float_from(sum, 8 * q + 4);
      }
      total += sum;
    }
    if (BITS == 8) sums[0][0] = sum_of_warp(total);
  }
};

// What `fill` can take values from: eight from `column` on; `piece` and `i` say which of this
// lane's they are. Other blocks wrote them, so the first cache is passed by.

// hidden (HIDDEN) float times a norm's weights, which are fetched before hidden is there.
struct NormedHidden {
  const float* hidden;
  uint4 gains[HiddenPlan::PIECES > HeadPlan::PIECES ? HiddenPlan::PIECES : HeadPlan::PIECES]
             [HiddenPlan::U::OWN / 8];

  template <int BITS>
  DEVICE void fetch(const u16* norm_weight) {
    typedef Inputs<BITS, HIDDEN> I;
#pragma unroll
    for (int p = 0; p < I::P::PIECES; ++p) {
      const int first = I::column(p);
#pragma unroll
      for (int i = 0; i < I::OWN / 8; ++i)
        gains[p][i] = *(const uint4*)(norm_weight + max(first, 0) + 8 * i);
    }
  }

  DEVICE void load(int piece, int i, int column, float (&out)[8], float& squares) const {
    const float4 a = load_shared_by_all((const float4*)(hidden + column));
    const float4 b = load_shared_by_all((const float4*)(hidden + column) + 1);
    const float raw[8] = {a.x, a.y, a.z, a.w, b.x, b.y, b.z, b.w};
    float gain[8];
    unpack8(gains[piece][i / 8], gain);
#pragma unroll
    for (int j = 0; j < 8; ++j) {
      squares += raw[j] * raw[j];
      out[j] = raw[j] * gain[j];
    }
  }
};

// What attention found for each head, in SPLITS parts: mixes (HEADS, SPLITS, HEAD_DIM) of values,
// and for each the largest score and the sum of weights.
struct MixedHeads {
  const float* mixes;
  const float2* weights;

  DEVICE void load(int, int, int column, float (&out)[8], float&) const {
    const int head = column / HEAD_DIM;
    float largest = -1e30f, total = 0.0f, sums[SPLITS], factors[SPLITS];
#pragma unroll
    for (int s = 0; s < SPLITS; ++s) {
      const float2 weight = load_shared_by_all(weights + head * SPLITS + s);
      factors[s] = weight.x;
      sums[s] = weight.y;
      largest = fmaxf(largest, weight.x);
    }
#pragma unroll
    for (int s = 0; s < SPLITS; ++s) {
      factors[s] = exp2f(factors[s] - largest);
      total += factors[s] * sums[s];
    }
#pragma unroll
    for (int s = 0; s < SPLITS; ++s) {
      const float4* mix =
          (const float4*)(mixes + ((long)head * SPLITS + s) * HEAD_DIM + column % HEAD_DIM);
      const float4 a = load_shared_by_all(mix), b = load_shared_by_all(mix + 1);
      const float part[8] = {a.x, a.y, a.z, a.w, b.x, b.y, b.z, b.w};
      const float factor = factors[s] / total;
#pragma unroll
      for (int j = 0; j < 8; ++j) out[j] += part[j] * factor;
    }
  }
};

// gated (INTERMEDIATE) of the model's type.
struct Gated {
  const u16* gated;

  DEVICE void load(int, int, int column, float (&out)[8], float&) const {
    unpack8(load_shared_by_all((const uint4*)(gated + column)), out);
  }
};
