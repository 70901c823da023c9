// A whole layer for one token in one call: what Python would do between its steps is 5 % of them.
#pragma once
#include "attention.h"
#include "codes.h"
#include "floats.h"
#include "rows.h"

// Keys and values (heads, capacity, size) of a layer.
struct Cache {
  long kind;  // FLOAT_16 or FLOAT_32
  void* keys;
  void* values;
  long heads, capacity, size;
};

struct Layer {
  const float* attention_norm;
  const float* mlp_norm;
  Product qkv, output, gate_up, down;
};

// Codes take many tokens, floats take one.
inline void multiply_product(const Product& product, const float* x, long tokens, float* out) {
  long rows = 0;
  for (long i = 0; i < product.count; i++) rows += product.matrices[i].rows;
  const Matrix* matrices = product.matrices;
  const long count = product.count, columns = product.columns;
  switch (product.kind) {
    case CODES_4: return multiply_codes<4>(matrices, count, x, tokens, columns, out, rows);
    case CODES_8: return multiply_codes<8>(matrices, count, x, tokens, columns, out, rows);
    case FLOAT_16: return multiply_floats<Half>(matrices, count, x, columns, out);
    case BFLOAT_16: return multiply_floats<BFloat16>(matrices, count, x, columns, out);
    case FLOAT_32: return multiply_floats<float>(matrices, count, x, columns, out);
  }
}

// Rotate q of new tokens and keep their k and v from position ``first`` on.
inline void rotate_to(const Cache& cache, float* qkv, const float* cosines, const float* sines,
                      long tokens, long first) {
  if (cache.kind == FLOAT_16)
    rotate_and_keep(qkv, cosines, sines, tokens, cache.heads, cache.size,
                    static_cast<Half*>(cache.keys), static_cast<Half*>(cache.values),
                    cache.capacity, first);
  else
    rotate_and_keep(qkv, cosines, sines, tokens, cache.heads, cache.size,
                    static_cast<float*>(cache.keys), static_cast<float*>(cache.values),
                    cache.capacity, first);
}

inline void attend_to(const Cache& cache, const float* query, long length, float* out) {
  if (cache.kind == FLOAT_16)
    attend_one(query, static_cast<const Half*>(cache.keys), static_cast<const Half*>(cache.values),
               cache.heads, cache.size, cache.capacity, length, out);
  else
    attend_one(query, static_cast<const float*>(cache.keys),
               static_cast<const float*>(cache.values), cache.heads, cache.size, cache.capacity,
               length, out);
}

inline void add_row(float* to, const float* from, long columns) {
  for (long k = 0; k < columns; k += LANES) store(to + k, _mm256_add_ps(load(to + k), load(from + k)));
}

// Let ``hidden`` (columns) of the token at ``position`` pass through the layer. ``room`` is for
// 5 * columns + 3 * those of the MLP.
inline void pass_layer(const Layer& layer, const Cache& cache, long position, const float* cosines,
                       const float* sines, float epsilon, float* hidden, float* room) {
  const long columns = layer.qkv.columns, inner = layer.down.columns;
  float *normed = room, *wide = normed + columns, *mixed = wide + 3 * columns;
  float *gate_up = mixed + columns, *gated = gate_up + 2 * inner;
  norm_rows(hidden, layer.attention_norm, epsilon, 1, columns, normed);
  multiply_product(layer.qkv, normed, 1, wide);
  rotate_to(cache, wide, cosines, sines, 1, position);
  attend_to(cache, wide, position + 1, mixed);
  multiply_product(layer.output, mixed, 1, normed);
  add_row(hidden, normed, columns);
  norm_rows(hidden, layer.mlp_norm, epsilon, 1, columns, normed);
  multiply_product(layer.gate_up, normed, 1, gate_up);
  gate_rows(gate_up, 1, inner, gated);
  multiply_product(layer.down, gated, 1, normed);
  add_row(hidden, normed, columns);
}
