// y = W x for one x: how a decode step spends its time.
//
// A block stays on its multiprocessor and walks over tiles of 16 rows. Each of its teams of 8 warps
// takes a tile at a time and divides the columns among its warps; every warp keeps 8 loads of 512
// bytes in flight, those of the next tile while it ends this one. The first are on their way
// before the kernel that makes x has ended.
#pragma once

#include "activations.cuh"
#include "weights.cuh"

template <int BITS, int K>
struct Lines {
  typedef Unit<BITS> U;
  static constexpr int UNITS = K / U::COLUMNS;
  static constexpr int ROUND = U::IN_FLIGHT * WARPS_PER_TEAM;
  static constexpr int ROUNDS = (UNITS + ROUND - 1) / ROUND;

  U units[U::IN_FLIGHT];
  u32 scales[2];  // 4 bits: of the units that this lane takes the sums of
  u32 zeros[2];

  static DEVICE int unit_of(int round, int j, int warp) {
    return round * ROUND + j * WARPS_PER_TEAM + warp;
  }

  DEVICE void load_scales(const Matrix& matrix, int tile, int round, int warp, int lane) {
    if constexpr (BITS == 4) {
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        const int unit = unit_of(round, 4 * half + lane % 4, warp);
        const bool is_there = unit < UNITS;
        const long place = ((long)tile * UNITS + unit) * 8 + lane / 4;
        scales[half] = is_there ? __ldg(matrix.scales + place) : 0u;
        zeros[half] = is_there ? __ldg(matrix.zeros + place) : 0u;
      }
    }
  }

  DEVICE void load(const Matrix& matrix, int tile, int round, int j, int warp, int lane,
                   long row_first, long row_second) {
    const int unit = unit_of(round, j, warp);
    if (UNITS % ROUND != 0 && unit >= UNITS) return;
    if (BITS == 16) {
      const int place = unit * 4 + lane % 4;
      units[j].load(matrix.weights + row_first * (K / 8) + place,
                    matrix.weights + row_second * (K / 8) + place);
    } else {
      units[j].load(matrix.weights + ((long)tile * UNITS + unit) * 32 + lane, nullptr);
    }
  }
};

// Where rows are and what becomes of their results.
// TILE_ROWS: how far tiles are apart; SECOND: how far row r + 8 of a tile is from row r.
template <int BITS, int K, bool NORM, int N, int TILE_ROWS, int SECOND, class Output>
DEVICE void gemv(const Matrix& matrix, const void* x, const u16* norm_weight, const Output& output) {
  typedef Lines<BITS, K> L;
  constexpr int TILES = (N + 15) / 16;
  SHARED __align__(16) Activations<K, BITS> activations;
  SHARED float partial[TEAMS][2][WARPS_PER_TEAM][16];

  let_next_kernel_start();
  const int thread = threadIdx.x, lane = thread % 32, q = lane % 4, r = lane / 4;
  const int team = thread / TEAM_THREADS, warp = thread / 32 % WARPS_PER_TEAM;
  const int stride = gridDim.x * TEAMS;
  L lines;
  int tile = team * gridDim.x + blockIdx.x;
  long row = min((long)tile * TILE_ROWS + r, (long)N - 1);
  if (tile < TILES) {
    lines.load_scales(matrix, tile, 0, warp, lane);
#pragma unroll
    for (int j = 0; j < L::U::IN_FLIGHT; ++j)
      lines.load(matrix, tile, 0, j, warp, lane, row, min(row + SECOND, (long)N - 1));
  }
  stage<K, BITS, NORM>(activations, x, norm_weight);

  int parity = 0;
  for (; tile < TILES; tile += stride, parity ^= 1) {
    float total0 = 0.0f, total1 = 0.0f, own0 = 0.0f, own1 = 0.0f;
    float sums[2][4] = {};
    // Results are asked for by one lane a row; what it needs for that is on its way from here.
    const int out_row = tile * TILE_ROWS + (lane < 8 ? lane : lane - 8 + SECOND);
    const bool gives = warp == 0 && lane < 16 && out_row < N;
    typename Output::Context context;
    if (gives) context = output.prepare(out_row);
    float row_scale = 1.0f;
    if (BITS == 8 && gives) row_scale = __ldg((const float*)matrix.scales + out_row);
    for (int round = 0; round < L::ROUNDS; ++round) {
      const bool is_last = round == L::ROUNDS - 1;
      const int next_tile = is_last ? tile + stride : tile;
      const int next_round = is_last ? 0 : round + 1;
      const bool has_next = next_tile < TILES;
      const long next_row = min((long)next_tile * TILE_ROWS + r, (long)N - 1);
      const long next_second = min(next_row + SECOND, (long)N - 1);
      const u32 scales[2] = {lines.scales[0], lines.scales[1]};
      const u32 zeros[2] = {lines.zeros[0], lines.zeros[1]};
      if (has_next) lines.load_scales(matrix, next_tile, next_round, warp, lane);
#pragma unroll
      for (int j = 0; j < L::U::IN_FLIGHT; ++j) {
        const int unit = L::unit_of(round, j, warp);
        if (L::UNITS % L::ROUND == 0 || unit < L::UNITS) {
          const u16* columns = activations.values + unit * L::U::COLUMNS;
          if (BITS == 4) {
            float group[4] = {};
            lines.units[j].multiply(group, columns, q);
            if (j % 4 == q) {
              own0 = group[0];
              own1 = group[2];
            }
          } else {
            lines.units[j].multiply(sums[j % 2], columns, q);
          }
        }
        if (has_next) lines.load(matrix, next_tile, next_round, j, warp, lane, next_row, next_second);
        if (BITS == 4 && j % 4 == 3) {
          const int own_unit = L::unit_of(round, j - 3 + q, warp);
          const float sum = own_unit < L::UNITS ? activations.group_sums[own_unit] : 0.0f;
          const float zero0 = 1024.0f + (float)(zeros[j / 4] & 15u);
          const float zero1 = 64.0f + (float)(zeros[j / 4] >> 4);
          total0 += half_to_float((u16)(scales[j / 4] & 0xffffu)) * (own0 - zero0 * sum);
          total1 += half_to_float((u16)(scales[j / 4] >> 16)) * (own1 * 0.0625f - zero1 * sum);
        }
      }
    }
    if (BITS == 4) {
      for (int mask = 1; mask < 4; mask <<= 1) {
        total0 += shuffle_xor(total0, mask);
        total1 += shuffle_xor(total1, mask);
      }
    } else {
      total0 = sums[0][0] + sums[1][0];
      total1 = sums[0][2] + sums[1][2];
    }
    if (q == 0) {
      partial[team][parity][warp][r] = total0;
      partial[team][parity][warp][r + 8] = total1;
    }
    sync_team(team);
    if (warp == 0) {
      float result = 0.0f;
      if (lane < 16) {
        for (int w = 0; w < WARPS_PER_TEAM; ++w) result += partial[team][parity][w][lane];
        result *= activations.unscale * row_scale;
      }
      const float other = shuffle_xor(result, 8);
      if (gives) output.finish(context, out_row, lane, result, other);
    }
  }
}
