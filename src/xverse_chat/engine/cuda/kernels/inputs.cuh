// The vector that a matrix is multiplied with, as the warps need it.
#pragma once

#include "exchange.cuh"

struct Reduction {
  float squares[COMPUTING_WARPS], largest[COMPUTING_WARPS];
};

// What a thread holds of a vector (K) comes in GROUPS of eight consecutive values; `column` tells the
// first of each, or -1. In 8 and 4 bits they end in registers: lane 4r + q of a warp holds, for
// unit r of each of its pieces, the columns that lane q of every row reads. So column r of the
// right operand of a multiplication is what belongs to unit r, and one register of a lane serves
// all units of a piece.
template <int BITS, int K>
struct Inputs {
  typedef Plan<BITS, K> P;
  CONSTANT GROUPS = P::PIECES * P::U::OWN / 8;
  CONSTANT IN_PIECE = P::U::OWN / 8;

  u32 pairs[P::PIECES][P::U::OWN / 2];
  // Sums of what is in `pairs`: 4 bits, over unit 2q and unit 2q + 1 of each piece; 8 bits, [0][0]
  // over all columns of the warp.
  float sums[BITS == 4 ? P::PIECES : 1][2];
  float unscale;

  static DEVICE int column(int group) {
    const int warp = threadIdx.x / 32 % WARPS, lane = threadIdx.x % 32;
    const int unit = group / IN_PIECE * P::U::IN_PIECE + lane / 4;
    const bool is_there = P::IS_EVEN || unit < P::units(warp);
    const int first = (P::first_unit(warp) + unit) * P::U::COLUMNS + lane % 4 * P::U::OWN;
    return is_there ? first + group % IN_PIECE * 8 : -1;
  }

  DEVICE void keep(const float (&values)[GROUPS][8], float scale, u16*) {
    float total = 0.0f;
#pragma unroll
    for (int p = 0; p < P::PIECES; ++p) {
      float sum = 0.0f;
#pragma unroll
      for (int i = 0; i < P::U::OWN; i += 2) {
        const float(&group)[8] = values[p * IN_PIECE + i / 8];
        const u32 pair = floats_to_half2(group[i % 8] * scale, group[i % 8 + 1] * scale);
        pairs[p][i / 2] = pair;
        sum += half_to_float((u16)(pair & 0xffffu)) + half_to_float((u16)(pair >> 16));
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

// In 16 bits the vector is in shared memory, in the model's type: every warp needs all of it.
template <int K>
struct Inputs<16, K> {
  CONSTANT GROUPS = (K / 8 + COMPUTING_THREADS - 1) / COMPUTING_THREADS;

  const u16* values;
  float unscale;

  static DEVICE int column(int group) {
    const int place = group * COMPUTING_THREADS + threadIdx.x;
    return place < K / 8 ? place * 8 : -1;
  }

  DEVICE void keep(const float (&from)[GROUPS][8], float scale, u16* shared_values) {
#pragma unroll
    for (int g = 0; g < GROUPS; ++g) {
      float scaled[8];
#pragma unroll
      for (int i = 0; i < 8; ++i) scaled[i] = from[g][i] * scale;
      if (column(g) >= 0) *(uint4*)(shared_values + column(g)) = pack8(scaled);
    }
    values = shared_values;
    sync_computing();
  }
};

// Fills inputs from a source, which adds squares for RMS normalisation (arXiv 1910.07467) where NORM
// is true. All computing threads come here.
//
// Quantized weights are multiplied in float16 whatever the model's type is. Where that is another,
// or the input was just normalised, it is scaled by a power of two, so that its largest value lies
// in [256, 512) and nothing overflows.
template <bool NORM, int BITS, int K, class Source>
DEVICE void fill(Inputs<BITS, K>& inputs, const Source& source, Reduction& reduction,
                 u16* shared_values) {
  typedef Inputs<BITS, K> I;
  const bool scales = BITS < 16 && (NORM || BFLOAT16);
  float values[I::GROUPS][8], squares = 0.0f, largest = 0.0f, scale = 1.0f;
  source.template receive<I>(values, squares);
  inputs.unscale = 1.0f;
  if (NORM || scales) {
#pragma unroll
    for (int g = 0; g < I::GROUPS; ++g)
#pragma unroll
      for (int i = 0; i < 8; ++i) largest = fmaxf(largest, fabsf(values[g][i]));
    const int thread = threadIdx.x, own = thread / 32, team = BITS < 16 ? own / WARPS : 0;
    squares = sum_of_warp(squares);
    largest = largest_of_warp(largest);
    if (thread % 32 == 0) {
      reduction.squares[own] = squares;
      reduction.largest[own] = largest;
    }
    sync_computing();
    squares = largest = 0.0f;
#pragma unroll
    for (int w = 0; w < (BITS < 16 ? WARPS : COMPUTING_WARPS); ++w) {
      squares += reduction.squares[team * WARPS + w];
      largest = fmaxf(largest, reduction.largest[team * WARPS + w]);
    }
    if (NORM) scale = rsqrtf(squares / K + NORM_EPS);
    if (scales) {
      const int exponent = (int)(__float_as_uint(largest * scale) >> 23) - 127;
      const int shift = min(max(8 - exponent, -100), 100);
      scale *= power_of_two(shift);
      inputs.unscale = power_of_two(-shift);
    }
  }
  inputs.keep(values, scale, shared_values);
}

// Sources. `receive` gives the values of each group of this thread, zeros where it has none.

// hidden (HIDDEN) times a norm's weights, which are fetched before hidden is there. Of the first
// layer it is the embedding of the token, in the model's type.
template <class I>
struct NormedHidden {
  Exchange hidden;
  const u16* embedded;  // or null
  uint4 gains[I::GROUPS];

  DEVICE NormedHidden(const Exchange& from, const u16* row, const u16* norm_weight)
      : hidden(from), embedded(row) {
#pragma unroll
    for (int g = 0; g < I::GROUPS; ++g)
      gains[g] = *(const uint4*)(norm_weight + max(I::column(g), 0));
  }

  template <class>
  DEVICE void receive(float (&values)[I::GROUPS][8], float& squares) const {
    bool due;
    do {
      due = false;
#pragma unroll
      for (int g = 0; g < I::GROUPS; ++g) {
        const int column = max(I::column(g), 0);
        if (embedded)
          unpack8(*(const uint4*)(embedded + column), values[g]);
        else
          due |= hidden.load(column, values[g]);
      }
      if (due) wait_a_little();
    } while (due);
#pragma unroll
    for (int g = 0; g < I::GROUPS; ++g) {
      const bool is_there = I::column(g) >= 0;
      float gain[8];
      unpack8(gains[g], gain);
#pragma unroll
      for (int i = 0; i < 8; ++i) {
        const float value = is_there ? values[g][i] : 0.0f;
        squares += value * value;
        values[g][i] = value * gain[i];
      }
    }
  }
};

// What attention found for each head, in up to SPLITS parts: mixes (HEADS, SPLITS, HEAD_DIM) of
// values, and weights (HEADS, SPLITS, 2), the largest score and the sum.
struct MixedHeads {
  Exchange mixes, weights;
  int splits;  // in use

  template <class I>
  DEVICE void receive(float (&values)[I::GROUPS][8], float&) const {
    float largest[I::GROUPS], sums[I::GROUPS];
#pragma unroll
    for (int g = 0; g < I::GROUPS; ++g) {
      largest[g] = -1e30f;
      sums[g] = 0.0f;
#pragma unroll
      for (int i = 0; i < 8; ++i) values[g][i] = 0.0f;
    }
    // One part after the other: all at once would need more registers than there are.
#pragma unroll 1
    for (int s = 0; s < splits; ++s) {
      float part[I::GROUPS][8], score[I::GROUPS], sum[I::GROUPS];
      bool due;
      do {
        due = false;
#pragma unroll
        for (int g = 0; g < I::GROUPS; ++g) {
          const int column = max(I::column(g), 0), place = column / HEAD_DIM * SPLITS + s;
          const uint2 weight = load_relaxed((const uint2*)(weights.words + 2 * place));
          due |= weights.is_due(weight.x) | weights.is_due(weight.y);
          score[g] = Exchange::value_of(weight.x);
          sum[g] = Exchange::value_of(weight.y);
          due |= mixes.load(place * HEAD_DIM + column % HEAD_DIM, part[g]);
        }
        if (due) wait_a_little();
      } while (due);
#pragma unroll
      for (int g = 0; g < I::GROUPS; ++g) {
        const float above = fmaxf(largest[g], score[g]);
        const float keep = exp2f(largest[g] - above), factor = exp2f(score[g] - above);
        largest[g] = above;
        sums[g] = sums[g] * keep + sum[g] * factor;
#pragma unroll
        for (int i = 0; i < 8; ++i) values[g][i] = values[g][i] * keep + part[g][i] * factor;
      }
    }
#pragma unroll
    for (int g = 0; g < I::GROUPS; ++g) {
      const float share = I::column(g) >= 0 ? 1.0f / sums[g] : 0.0f;
#pragma unroll
      for (int i = 0; i < 8; ++i) values[g][i] *= share;
    }
  }
};

// gated (INTERMEDIATE).
struct Gated {
  Exchange gated;

  template <class I>
  DEVICE void receive(float (&values)[I::GROUPS][8], float&) const {
    bool due;
    do {
      due = false;
#pragma unroll
      for (int g = 0; g < I::GROUPS; ++g) due |= gated.load(max(I::column(g), 0), values[g]);
      if (due) wait_a_little();
    } while (due);
#pragma unroll
    for (int g = 0; g < I::GROUPS; ++g)
#pragma unroll
      for (int i = 0; i < 8; ++i) values[g][i] = I::column(g) >= 0 ? values[g][i] : 0.0f;
  }
};
