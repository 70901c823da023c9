// The functions that Python calls. Tensors are contiguous; types of weights and caches are numbers.
#include "attention.h"
#include "codes.h"
#include "floats.h"
#include "rows.h"

#define EXPORT extern "C" __attribute__((visibility("default")))

EXPORT void multiply_codes_4(const Codes* matrices, long count, const float* x, long tokens,
                             long columns, float* out, long stride) {
  multiply_codes<4>(matrices, count, x, tokens, columns, out, stride);
}
EXPORT void multiply_codes_8(const Codes* matrices, long count, const float* x, long tokens,
                             long columns, float* out, long stride) {
  multiply_codes<8>(matrices, count, x, tokens, columns, out, stride);
}
EXPORT void multiply_float32(const Floats* matrices, long count, const float* x, long columns,
                             float* out) {
  multiply_floats<float>(matrices, count, x, columns, out);
}
EXPORT void multiply_float16(const Floats* matrices, long count, const float* x, long columns,
                             float* out) {
  multiply_floats<Half>(matrices, count, x, columns, out);
}
EXPORT void multiply_bfloat16(const Floats* matrices, long count, const float* x, long columns,
                              float* out) {
  multiply_floats<BFloat16>(matrices, count, x, columns, out);
}
EXPORT void norm(const float* from, const float* weight, float epsilon, long tokens, long columns,
                 float* to) {
  norm_rows(from, weight, epsilon, tokens, columns, to);
}
EXPORT void gate(const float* from, long tokens, long columns, float* to) {
  gate_rows(from, tokens, columns, to);
}
EXPORT void rotate_float32(float* qkv, const float* cosines, const float* sines, long tokens,
                           long heads, long size, float* keys, float* values, long capacity,
                           long first) {
  rotate_and_keep(qkv, cosines, sines, tokens, heads, size, keys, values, capacity, first);
}
EXPORT void rotate_float16(float* qkv, const float* cosines, const float* sines, long tokens,
                           long heads, long size, Half* keys, Half* values, long capacity,
                           long first) {
  rotate_and_keep(qkv, cosines, sines, tokens, heads, size, keys, values, capacity, first);
}
EXPORT void attend_float32(const float* query, const float* keys, const float* values, long heads,
                           long size, long capacity, long length, float* out) {
  attend_one(query, keys, values, heads, size, capacity, length, out);
}
EXPORT void attend_float16(const float* query, const Half* keys, const Half* values, long heads,
                           long size, long capacity, long length, float* out) {
  attend_one(query, keys, values, heads, size, capacity, length, out);
}
