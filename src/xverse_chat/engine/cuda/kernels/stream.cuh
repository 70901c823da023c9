// What a computing warp will need, in the order of the computation, and the warps that read it: some
// of their lanes serve one ring each.
#pragma once

#include "ring.cuh"

struct Layer {
  const u16* input_norm;
  const u16* post_norm;
  Matrix qkv, output, gate_up, down;
  u16* keys;  // (HEADS, capacity, HEAD_DIM)
  u16* values;
};

// Each kind follows the one before it in a layer; with keys come values.
enum Reading { READ_QKV, READ_KEYS, READ_OUTPUT, READ_GATE_UP, READ_DOWN, READ_HEAD, READ_NOTHING };

// The past tokens of a head that a block attends to; its warps take pieces of them in turn.
struct Span {
  int head, first, end;

  DEVICE Span(int block, int past) {
    head = block / SPLITS;
    const int split = block % SPLITS;
    const bool is_idle = head >= HEADS;
    first = is_idle ? 0 : (int)((long)past * split / SPLITS);
    end = is_idle ? 0 : (int)((long)past * (split + 1) / SPLITS);
  }
};

// Runs of `bytes` each, the first half of them from `first` on, the others from `second` on.
struct Copy {
  const u8 *first, *second, *most;  // no run begins beyond `most`
  u32 bytes, runs, from_stride, to_stride;

  DEVICE const u8* from(u32 run) const {
    const u32 half = runs > 1 ? runs / 2 : 1;
    const u8* place = run < half ? first + (long)run * from_stride
                                 : second + (long)(run - half) * from_stride;
    return place < most ? place : most;
  }
};

struct Stream {
  const Layer* layers;
  const u8* head;
  int capacity, past, layer_count, warp, team;

  Reading reading;
  int layer;
  int left;                 // tiles, or pieces of tokens
  int piece, pieces;        // of the tile
  int whole, last;          // bytes of a piece, of the last one; of its runs in 16 bits
  long tile_stride;
  const u8 *first, *second, *most;
  int token, end;

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
    typedef typename P::U U;
    const int tile = R::first_tile(blockIdx.x, gridDim.x) + team;
    const int after = R::first_tile(blockIdx.x + 1, gridDim.x);
    piece = 0;
    pieces = P::pieces(warp);
    left = tile < after && pieces > 0 ? (after - tile + TEAMS - 1) / TEAMS : 0;
    const int last_units = P::units(warp) - (pieces - 1) * U::IN_PIECE;
    if (BODY_BITS == 16) {
      const long row_bytes = (long)P::UNITS * U::COLUMNS * 2;
      const long column = (long)P::first_unit(warp) * U::COLUMNS * 2;
      whole = U::IN_PIECE * U::COLUMNS * 2;
      last = last_units * U::COLUMNS * 2;
      tile_stride = TEAMS * R::STEP * row_bytes;
      first = weights + tile * R::STEP * row_bytes + column;
      second = first + R::SECOND * row_bytes;
      most = weights + (R::N - 1) * row_bytes + column;
    } else {
      whole = P::PIECE_BYTES;
      last = last_units * U::BYTES + U::SCALE_BYTES;
      tile_stride = (long)TEAMS * P::start(WARPS);
      first = second = weights + (long)tile * P::start(WARPS) + P::start(warp);
    }
  }

  DEVICE void begin_keys() {
    const Span span(blockIdx.x, past);
    token = span.first + (team * WARPS + warp) * TOKENS_IN_PIECE;
    end = span.end;
    left = token < end ? (end - token - 1) / (TOKENS_IN_PIECE * COMPUTING_WARPS) + 1 : 0;
    const long place = ((long)span.head * capacity + token) * HEAD_DIM;
    first = (const u8*)(layers[layer].keys + place);
    second = (const u8*)(layers[layer].values + place);
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
        case READ_KEYS: begin_keys(); break;
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
      copy = {first, second, second + bytes, bytes, 2, 0, KEY_BYTES};
      if (copy.most < first) copy.most = first;
      const int step = TOKENS_IN_PIECE * COMPUTING_WARPS;
      token += step;
      first += (long)step * HEAD_DIM * 2;
      second += (long)step * HEAD_DIM * 2;
      --left;
    } else {
      const u32 bytes = piece == pieces - 1 ? last : whole;
      const long offset = (long)piece * whole;
      copy = {first + offset, second + offset, most + offset, bytes, 1, 0, 0};
      if (BODY_BITS == 16) {
        copy.runs = TILE_ROWS;
        copy.from_stride = (reading == READ_DOWN ? INTERMEDIATE : HIDDEN) * 2;
        copy.to_stride = bytes;
      } else {
        copy.most = copy.first;
      }
      if (++piece == pieces) {
        piece = 0;
        first += tile_stride;
        second += tile_stride;
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
