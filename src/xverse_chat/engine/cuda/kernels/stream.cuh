// What a computing warp will need, in the order of the computation, and the warps that read it: some
// of their lanes serve one ring each.
#pragma once

#include "ring.cuh"

#define TOKENS_IN_SPLIT 512

struct Layer {
  const u16* input_norm;
  const u16* post_norm;
  Matrix qkv, output, gate_up, down;
  u16* keys;  // (HEADS, capacity, HEAD_DIM)
  u16* values;
};

// Each kind follows the one before it in a layer; with keys come values.
enum Reading { READ_QKV, READ_KEYS, READ_OUTPUT, READ_GATE_UP, READ_DOWN, READ_HEAD, READ_NOTHING };

// How many blocks share the tokens of a head: few tokens are not worth what their parts cost later.
DEVICE int splits_for(int past) { return min(SPLITS, past / TOKENS_IN_SPLIT + 1); }

// Attention is divided into tasks: a head's past tokens, or a share of them. A block has every
// BLOCKS-th task, most often one; its warps take pieces of the tokens in turn.
#define TASKS (HEADS * SPLITS)

struct Task {
  int head, split, first, end;
  bool is_idle;  // other blocks do for this head

  DEVICE Task(int number, int past) {
    const int splits = splits_for(past);
    head = number / SPLITS;
    split = number % SPLITS;
    is_idle = split >= splits;
    first = is_idle ? 0 : (int)((long)past * split / splits);
    end = is_idle ? 0 : (int)((long)past * (split + 1) / splits);
  }
};

// One or two runs of `bytes`, the second to `second_place` of a stage.
struct Copy {
  const u8 *first, *second;
  u32 bytes, runs, second_place;
};

struct Stream {
  const Layer* layers;
  const u8* head;
  int capacity, past, layer_count, warp, team;

  Reading reading;
  int layer;
  int left;           // rows, tiles, or pieces of tokens
  int piece, pieces;  // of the row or tile
  int whole, last;    // bytes of a piece, of the last one
  long stride;        // from a row or tile to the next of this warp
  const u8 *first, *second;
  int task, token, end;

  DEVICE void start(const Layer* all, const u8* head_weights, int own, int cache, int length,
                    int count) {
    layers = all;
    head = head_weights;
    capacity = cache;
    past = length;
    layer_count = count;
    warp = own % WARPS;
    team = own / WARPS;
    layer = 0;
    begin(READ_QKV);
  }

  template <class P, class R>
  DEVICE void begin_matrix(const u8* weights) {
    const int share = R::first_share(blockIdx.x);
    const int shares = R::first_share(blockIdx.x + 1) - share;
    piece = 0;
    if constexpr (BODY_BITS == 16) {
      const int own = team * WARPS + warp, items = shares * (R::STEP == TILE_ROWS ? 1 : 2);
      const long row_bytes = 2 * P::WIDTH;
      pieces = P::PIECES;
      whole = P::PIECE_BYTES;
      last = (int)row_bytes - (pieces - 1) * whole;
      left = own < items ? (items - own - 1) / COMPUTING_WARPS + 1 : 0;
      if (R::STEP == TILE_ROWS) {
        first = weights + (share + own) * row_bytes;
        stride = COMPUTING_WARPS * row_bytes;
      } else {
        // Rows of gate and up in turn: a warp has the ones or the others.
        first = weights + (share + own / 2 + own % 2 * (long)R::SECOND) * row_bytes;
        stride = COMPUTING_WARPS / 2 * row_bytes;
      }
    } else {
      typedef typename P::U U;
      pieces = P::pieces(warp);
      whole = P::PIECE_BYTES;
      last = (P::units(warp) - (pieces - 1) * U::IN_PIECE) * U::BYTES + U::SCALE_BYTES;
      left = team < shares && pieces > 0 ? (shares - team - 1) / TEAMS + 1 : 0;
      first = weights + (long)(share + team) * P::start(WARPS) + P::start(warp);
      stride = (long)TEAMS * P::start(WARPS);
    }
  }

  // Goes to the next task of which this warp has a part.
  DEVICE void begin_keys() {
    for (; task < TASKS; task += BLOCKS) {
      const Task own(task, past);
      token = own.first + (team * WARPS + warp) * TOKENS_IN_PIECE;
      end = own.end;
      if (token >= end) continue;
      left = (end - token - 1) / (TOKENS_IN_PIECE * COMPUTING_WARPS) + 1;
      const long place = ((long)own.head * capacity + token) * HEAD_DIM;
      first = (const u8*)(layers[layer].keys + place);
      second = (const u8*)(layers[layer].values + place);
      return;
    }
  }

  // Goes to the next thing to read of which this warp has a part.
  DEVICE void begin(Reading wanted) {
    reading = wanted;
    while (true) {
      left = 0;
      if (reading == READ_QKV && layer == layer_count) reading = READ_HEAD;
      const Layer& own = layers[layer];
      switch (reading) {
        case READ_QKV: begin_matrix<HiddenPlan, QkvRows>(own.qkv.weights); break;
        case READ_KEYS:
          task = blockIdx.x;
          begin_keys();
          break;
        case READ_OUTPUT: begin_matrix<HiddenPlan, HiddenRows>(own.output.weights); break;
        case READ_GATE_UP: begin_matrix<HiddenPlan, GateUpRows>(own.gate_up.weights); break;
        case READ_DOWN: begin_matrix<DownPlan, HiddenRows>(own.down.weights); break;
        case READ_HEAD: begin_matrix<HeadPlan, HeadRows>(head); break;
        case READ_NOTHING: return;
      }
      if (left > 0) return;
      go_on();
    }
  }

  DEVICE void go_on() {
    if (reading == READ_DOWN) {
      ++layer;
      reading = READ_QKV;
    } else {
      reading = (Reading)(reading + 1);
    }
  }

  // Returns what to copy next, and goes on to what comes after it.
  DEVICE Copy next() {
    Copy copy;
    if (reading == READ_KEYS) {
      const u32 bytes = (u32)min(TOKENS_IN_PIECE, end - token) * HEAD_DIM * 2;
      copy = {first, second, bytes, 2, KEY_BYTES};
      const int step = TOKENS_IN_PIECE * COMPUTING_WARPS;
      token += step;
      first += (long)step * HEAD_DIM * 2;
      second += (long)step * HEAD_DIM * 2;
      if (--left == 0) {
        task += BLOCKS;
        begin_keys();
      }
    } else {
      copy = {first + (long)piece * whole, nullptr, (u32)(piece == pieces - 1 ? last : whole), 1, 0};
      if (++piece == pieces) {
        piece = 0;
        first += stride;
        --left;
      }
    }
    if (left == 0) {
      go_on();
      begin(reading);
    }
    return copy;
  }
};

// Keeps some rings of a block full until everything is read: those of every READING_WARPS-th warp
// from `first` on. For one warp.
template <int STAGES>
DEVICE void read_for_others(RingMemory<STAGES>* rings, int first, const Layer* layers,
                            const u8* head, int capacity, int past, int layer_count) {
  const int lane = threadIdx.x % 32, served = first + lane * READING_WARPS;
  const bool serves = served < COMPUTING_WARPS;
  RingMemory<STAGES>& ring = rings[serves ? served : 0];
  Stream stream;
  stream.start(layers, head, serves ? served : 0, capacity, past, layer_count);
  if (!serves) stream.reading = READ_NOTHING;
  int slot = 0;
  u32 parity = 1;  // of the phase before the first: every stage is empty
  while (any_of_warp(stream.reading != READ_NOTHING)) {
    const bool is_free = stream.reading != READ_NOTHING && is_complete(&ring.empty[slot], parity);
    if (!any_of_warp(is_free)) {
      pause();
      continue;
    }
    Copy copy = {};
    if (is_free) copy = stream.next();
    copy_for_each(is_free, copy, ring.stages[slot], &ring.full[slot]);
    if (is_free && ++slot == STAGES) {
      slot = 0;
      parity ^= 1;
    }
  }
}
