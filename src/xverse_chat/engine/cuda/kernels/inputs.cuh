// The vector that a matrix is multiplied with, as the warps need it.
#pragma once

#include "exchange.cuh"

// What a thread holds of a vector (K) comes in GROUPS of eight consecutive values; `column` tells the
// first of each, or -1. In 8 and 4 bits lane 4r + q of a warp fetches, for unit r of each of its
// pieces, the columns that lane q of every row reads.
//
// Integers multiply integers. The values of a unit are rounded to 16 bits, 256 * high + low, each
// a signed byte: a right operand of eight columns has the high parts of four units in its first
// columns and the low parts of the same in the others. `units[p][0]` is that of units 0 to 3 of
// piece p, `units[p][1]` that of units 4 to 7.
#define MOST_WHOLE 32639.0f   // 127 * 256 + 127
#define WHOLE_BASE 12582912.0f  // 1.5 * 2^23: the last bits of base + x are x rounded to an integer

template <int BITS, int K>
struct Inputs {
  typedef Plan<BITS, K> P;
  CONSTANT WORDS = P::U::OWN / 4;
  CONSTANT IN_PIECE = P::U::OWN / 8;
  CONSTANT GROUPS = P::PIECES * IN_PIECE;

  u32 units[P::PIECES][2][WORDS];
  // Of the units 2q and 2q + 1 of each piece: what one of the whole numbers is worth, and in 4 bits
  // the sum of them all.
  float steps[P::PIECES][2], sums[BITS == 4 ? P::PIECES : 1][2];

  static DEVICE int column(int group) {
    const int warp = threadIdx.x / 32 % WARPS, lane = threadIdx.x % 32;
    const int unit = group / IN_PIECE * P::U::IN_PIECE + lane / 4;
    const bool is_there = P::IS_EVEN || unit < P::units(warp);
    const int first = (P::first_unit(warp) + unit) * P::U::COLUMNS + lane % 4 * P::U::OWN;
    return is_there ? first + group % IN_PIECE * 8 : -1;
  }

  // Byte `which` of each of four words, after `add` was added to them.
  static DEVICE u32 bytes_of(const u32 (&words)[4], u32 add, int which) {
    const u32 pair = which | (which + 4) << 4;
    const u32 first = __byte_perm(words[0] + add, words[1] + add, pair);
    const u32 second = __byte_perm(words[2] + add, words[3] + add, pair);
    return __byte_perm(first, second, 0x5410);
  }

  DEVICE void keep(const float (&values)[GROUPS][8], float scale, u16*) {
    const int lane = threadIdx.x % 32, q = lane % 4;
    const bool is_first_half = lane < 16;
#pragma unroll
    for (int p = 0; p < P::PIECES; ++p) {
      // As whole numbers, because among floats the larger of a number and of none is the number.
      u32 bits = 0;
#pragma unroll
      for (int i = 0; i < P::U::OWN; ++i)
        bits = max(bits, __float_as_uint(values[p * IN_PIECE + i / 8][i % 8]) & 0x7fffffffu);
      bits = max(bits, shuffle_xor(bits, 1));
      bits = max(bits, shuffle_xor(bits, 2));
      const float largest = __uint_as_float(bits);
      const float inverse = bits > 0 ? divide(MOST_WHOLE, largest) : 0.0f;
      int sum = 0;
#pragma unroll
      for (int w = 0; w < WORDS; ++w) {
        u32 whole[4];
#pragma unroll
        for (int i = 0; i < 4; ++i) {
          const int at = 4 * w + i;
          whole[i] = __float_as_uint(values[p * IN_PIECE + at / 8][at % 8] * inverse + WHOLE_BASE);
          sum += (int)(whole[i] - __float_as_uint(WHOLE_BASE));
        }
        const u32 low = bytes_of(whole, 0, 0), high = bytes_of(whole, 128, 1);
        // Lanes of units 0 to 3 need the high parts of units 4 to 7, those the low parts of these.
        const u32 other = shuffle_xor(is_first_half ? low : high, 16);
        units[p][0][w] = is_first_half ? high : other;
        units[p][1][w] = is_first_half ? other : low;
      }
      const float step = largest * scale * (1.0f / MOST_WHOLE);
      steps[p][0] = float_from(step, 8 * q);
      steps[p][1] = float_from(step, 8 * q + 4);
      if (BITS == 4) {
        float all = (float)sum;
        all += shuffle_xor(all, 1);
        all += shuffle_xor(all, 2);
        sums[p][0] = float_from(all, 8 * q);
        sums[p][1] = float_from(all, 8 * q + 4);
      }
    }
  }
};

// In 16 bits the vector is in shared memory, in the model's type: every warp needs all of it.
template <int K>
struct Inputs<16, K> {
  CONSTANT GROUPS = (K / 8 + COMPUTING_THREADS - 1) / COMPUTING_THREADS;

  const u16* values;

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
template <bool NORM, int BITS, int K, class Source>
DEVICE void fill(Inputs<BITS, K>& inputs, const Source& source, float (&reduction)[COMPUTING_WARPS],
                 u16* shared_values) {
  typedef Inputs<BITS, K> I;
  float values[I::GROUPS][8], squares = 0.0f, scale = 1.0f;
  source.template receive<I>(values, squares);
  if (NORM) {
    const int own = threadIdx.x / 32, team = BITS < 16 ? own / WARPS : 0;
    squares = sum_of_warp(squares);
    if (threadIdx.x % 32 == 0) reduction[own] = squares;
    sync_computing();
    squares = 0.0f;
#pragma unroll
    for (int w = 0; w < (BITS < 16 ? WARPS : COMPUTING_WARPS); ++w)
      squares += reduction[team * WARPS + w];
    scale = rsqrtf(squares / K + NORM_EPS);
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
    // Two parts at a time: all at once would need more registers than there are.
#pragma unroll 1
    for (int first = 0; first < splits; first += 2) {
      float part[2][I::GROUPS][8], score[2][I::GROUPS], sum[2][I::GROUPS];
      const int parts = min(2, splits - first);
      bool due;
      do {
        due = false;
#pragma unroll
        for (int s = 0; s < 2; ++s) {
          const int split = first + min(s, parts - 1);
#pragma unroll
          for (int g = 0; g < I::GROUPS; ++g) {
            const int column = max(I::column(g), 0), place = column / HEAD_DIM * SPLITS + split;
            const uint2 weight = load_relaxed((const uint2*)(weights.words + 2 * place));
            due |= weights.is_due(weight.x) | weights.is_due(weight.y);
            score[s][g] = Exchange::value_of(weight.x);
            sum[s][g] = Exchange::value_of(weight.y);
            due |= mixes.load(place * HEAD_DIM + column % HEAD_DIM, part[s][g]);
          }
        }
        if (due) wait_a_little();
      } while (due);
#pragma unroll
      for (int s = 0; s < 2; ++s) {
        if (s >= parts) break;
#pragma unroll
        for (int g = 0; g < I::GROUPS; ++g) {
          const float above = fmaxf(largest[g], score[s][g]);
          const float keep = exp2f(largest[g] - above), factor = exp2f(score[s][g] - above);
          largest[g] = above;
          sums[g] = sums[g] * keep + sum[s][g] * factor;
#pragma unroll
          for (int i = 0; i < 8; ++i) values[g][i] = values[g][i] * keep + part[s][g][i] * factor;
        }
      }
    }
#pragma unroll
    for (int g = 0; g < I::GROUPS; ++g) {
      const float share = I::column(g) >= 0 ? divide(1.0f, sums[g]) : 0.0f;
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
