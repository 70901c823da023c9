// How a matrix is divided among blocks and warps.
//
// 8 and 4 bits: tiles of 16 rows over blocks, columns over the 8 warps of a team. A unit is what one
// multiplication of 16 rows takes, a piece up to 8 of them: what a warp loads at once.
// engine/cuda/layout.py packs matrices in just this order, so that every piece is one run of bytes.
// 16 bits: rows over blocks, then over warps; a piece is up to ROW_PIECE columns of a row. The matrix
// stays what it is, so that others can use it too.
#pragma once

#include "values.cuh"

#define WARPS 8  // of a team
#define TILE_ROWS 16
#define CONSTANT static constexpr int

template <int BITS>
struct Unit {
  CONSTANT COLUMNS = BITS == 4 ? 64 : 32;
  CONSTANT BYTES = TILE_ROWS * COLUMNS * BITS / 8;
  CONSTANT OWN = COLUMNS / 4;  // consecutive columns of one lane, in each of its two rows
  CONSTANT IN_PIECE = 8;
  // Behind the codes of a piece: for each lane four float16 scales, then for each four zero points.
  CONSTANT SCALE_BYTES = BITS == 4 ? 32 * 8 + 32 * 2 : 0;
};

template <int BITS, int K>
struct Plan {
  typedef Unit<BITS> U;
  CONSTANT WIDTH = K;
  CONSTANT UNITS = K / U::COLUMNS;
  CONSTANT MOST = (UNITS + WARPS - 1) / WARPS;  // units of a warp at most
  CONSTANT PIECES = (MOST + U::IN_PIECE - 1) / U::IN_PIECE;
  CONSTANT PIECE_BYTES = U::IN_PIECE * U::BYTES + U::SCALE_BYTES;
  static constexpr bool IS_EVEN = UNITS % (WARPS * U::IN_PIECE) == 0;

  static constexpr DEVICE int first_unit(int warp) { return UNITS * warp / WARPS; }
  static constexpr DEVICE int units(int warp) { return first_unit(warp + 1) - first_unit(warp); }
  static constexpr DEVICE int pieces(int warp) {
    return (units(warp) + U::IN_PIECE - 1) / U::IN_PIECE;
  }
  // Bytes from the start of a tile to the part of `warp`; of WARPS: of a whole tile.
  static constexpr DEVICE int start(int warp) {
    int bytes = 0;
    for (int w = 0; w < warp; ++w) bytes += units(w) * U::BYTES + pieces(w) * U::SCALE_BYTES;
    return bytes;
  }
};

template <int K>
struct Plan<16, K> {
  CONSTANT WIDTH = K;
  CONSTANT PIECES = (K + ROW_PIECE - 1) / ROW_PIECE;
  CONSTANT PIECE_BYTES = 2 * (K < ROW_PIECE ? K : ROW_PIECE);
};

// A matrix (N, K): `weights` as above, `scales` (N) float in 8 bits.
struct Matrix {
  const u8* weights;
  const float* scales;
};

// Where the rows of a matrix of N rows are: tile t begins at row t * STEP, and its rows 8 to 15
// are SECOND rows below its rows 0 to 7. Of gate and up together a tile has 8 rows each.
template <int BITS, int ROWS, bool GATED>
struct Rows {
  CONSTANT N = ROWS;
  CONSTANT TILES = (N + TILE_ROWS - 1) / TILE_ROWS;
  CONSTANT STEP = GATED ? TILE_ROWS / 2 : TILE_ROWS;
  CONSTANT SECOND = GATED ? N / 2 : TILE_ROWS / 2;
  // What is divided among blocks: pairs of a gate's row and its partner, rows, or tiles.
  CONSTANT SHARES = BITS == 16 ? (GATED ? N / 2 : N) : TILES;

  static DEVICE int row(int tile, int place) {
    return tile * STEP + (place < 8 ? place : place - 8 + SECOND);
  }
  static_assert((long)SHARES * BLOCKS < 1L << 31, "shares are counted in 32 bits");

  static DEVICE int first_share(int block) { return SHARES * block / BLOCKS; }
  // First row of lm_head that a block scores.
  static DEVICE int first_row(int block) {
    return min(N, first_share(block) * (BITS == 16 ? 1 : TILE_ROWS));
  }
};

typedef Rows<BODY_BITS, 3 * HIDDEN, false> QkvRows;
typedef Rows<BODY_BITS, HIDDEN, false> HiddenRows;
typedef Rows<BODY_BITS, 2 * INTERMEDIATE, true> GateUpRows;
typedef Rows<HEAD_BITS, VOCAB, false> HeadRows;
typedef Plan<BODY_BITS, HIDDEN> HiddenPlan;
typedef Plan<BODY_BITS, INTERMEDIATE> DownPlan;
typedef Plan<HEAD_BITS, HIDDEN> HeadPlan;
