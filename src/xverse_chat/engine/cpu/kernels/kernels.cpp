// The functions that Python calls, on contiguous tensors.
#include "layer.h"

#define EXPORT extern "C" __attribute__((visibility("default")))

EXPORT void multiply(const Product* product, const float* x, long tokens, float* out) {
  multiply_product(*product, x, tokens, out);
}

EXPORT void norm(const float* from, const float* weight, float epsilon, long tokens, long columns,
                 float* to) {
  norm_rows(from, weight, epsilon, tokens, columns, to);
}

EXPORT void gate(const float* from, long tokens, long columns, float* to) {
  gate_rows(from, tokens, columns, to);
}

EXPORT void rotate(const Cache* cache, float* qkv, const float* cosines, const float* sines,
                   long tokens, long first) {
  rotate_to(*cache, qkv, cosines, sines, tokens, first);
}

EXPORT void pass(const Layer* layer, const Cache* cache, long position, const float* cosines,
                 const float* sines, float epsilon, float* hidden, float* room) {
  pass_layer(*layer, *cache, position, cosines, sines, epsilon, hidden, room);
}
