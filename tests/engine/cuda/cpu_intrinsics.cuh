// Stands in for intrinsics.cuh, so that a C++ compiler for the CPU can build the kernels.
//
// Every thread of a block is a coroutine. One that waits for its block or its warp lets the others
// run; blocks run one after another. What a warp exchanges goes through a table of the warp's.
#pragma once

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#include <functional>
#include <tuple>
#include <vector>

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;

struct Index3 { int x, y, z; };
struct alignas(16) uint4 { u32 x, y, z, w; };
struct alignas(16) float4 { float x, y, z, w; };
struct alignas(8) float2 { float x, y; };

#define DEVICE inline
#define KERNEL(threads) extern "C" void
#define KERNEL_SHARING(threads, blocks) extern "C" void
#define SHARED static
#define __align__(bytes) __attribute__((aligned(bytes)))
#define INFINITY_VALUE INFINITY

struct Warp {
  u32 generation = 0, arrived = 0;
  u64 given[2][32][8];
};

struct Barrier { u32 generation = 0, arrived = 0; };

static Index3 threadIdx, blockIdx, gridDim;
static int block_threads, current;
static bool progressed;
static ucontext_t scheduler;
static std::vector<ucontext_t> contexts;
static std::vector<Warp> warps;
static Barrier barriers[16];
static std::function<void()> body;
static std::vector<bool> is_done;

inline void yield() {
  const int own = current;
  swapcontext(&contexts[own], &scheduler);
}

inline void arrive(u32& generation, u32& arrived, u32 expected) {
  const u32 own = generation;
  progressed = true;
  if (++arrived == expected) {
    arrived = 0;
    ++generation;
    return;
  }
  while (generation == own) yield();
}

inline void run_thread() {
  body();
  is_done[current] = true;
  progressed = true;
  swapcontext(&contexts[current], &scheduler);
}

inline void run_block(int threads) {
  const size_t stack_bytes = 1 << 16;
  static std::vector<char> stacks;
  stacks.resize(threads * stack_bytes);
  contexts.assign(threads, ucontext_t());
  warps.assign((threads + 31) / 32, Warp());
  is_done.assign(threads, false);
  for (Barrier& barrier : barriers) barrier = Barrier();
  block_threads = threads;
  for (int i = 0; i < threads; ++i) {
    getcontext(&contexts[i]);
    contexts[i].uc_stack.ss_sp = &stacks[i * stack_bytes];
    contexts[i].uc_stack.ss_size = stack_bytes;
    contexts[i].uc_link = nullptr;
    makecontext(&contexts[i], run_thread, 0);
  }
  for (int left = threads; left > 0;) {
    progressed = false;
    for (int i = 0; i < threads; ++i) {
      if (is_done[i]) continue;
      current = i;
      threadIdx.x = i;
      swapcontext(&scheduler, &contexts[i]);
      if (is_done[i]) --left;
    }
    if (left > 0 && !progressed) {
      fprintf(stderr, "Threads wait for one that will not come.\n");
      abort();
    }
  }
}

template <class... P, size_t... I>
void launch_with(void (*kernel)(P...), int x, int y, int threads, void** arguments,
                 std::index_sequence<I...>) {
  gridDim = {x, y, 1};
  for (blockIdx.y = 0; blockIdx.y < y; ++blockIdx.y)
    for (blockIdx.x = 0; blockIdx.x < x; ++blockIdx.x) {
      body = [&] { kernel(*(std::remove_reference_t<P>*)arguments[I]...); };
      run_block(threads);
    }
}

template <class... P>
void launch(void (*kernel)(P...), int x, int y, int threads, void** arguments) {
  launch_with(kernel, x, y, threads, arguments, std::index_sequence_for<P...>());
}

// Gives 64-bit words of this lane to the warp; returns the table of what every lane gave.
inline u64 (*exchange(const u64* own, int count))[8] {
  Warp& warp = warps[threadIdx.x / 32];
  u64(*table)[8] = warp.given[warp.generation & 1];
  memcpy(table[threadIdx.x % 32], own, count * sizeof(u64));
  arrive(warp.generation, warp.arrived, 32);
  return table;
}

inline u32 bits_of(float value) { u32 bits; memcpy(&bits, &value, 4); return bits; }
inline float float_of(u32 bits) { float value; memcpy(&value, &bits, 4); return value; }
inline float __uint_as_float(u32 bits) { return float_of(bits); }
inline u32 __float_as_uint(float value) { return bits_of(value); }
inline float half_to_float(u16 bits) { _Float16 h; memcpy(&h, &bits, 2); return (float)h; }
inline u16 float_to_half(float value) { _Float16 h = (_Float16)value; u16 b; memcpy(&b, &h, 2); return b; }
inline float bfloat_to_float(u16 bits) { return float_of((u32)bits << 16); }
inline u16 float_to_bfloat(float value) {
  const u32 bits = bits_of(value);
  if (isnan(value)) return 0x7fff;
  return (u16)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}
inline u32 subtract_half2(u32 a, u32 b) {
  const u16 low = float_to_half(half_to_float((u16)a) - half_to_float((u16)b));
  const u16 high = float_to_half(half_to_float((u16)(a >> 16)) - half_to_float((u16)(b >> 16)));
  return (u32)low | (u32)high << 16;
}

template <float (*TO_FLOAT)(u16)>
inline void mma(float (&c)[4], u32 a0, u32 a1, u32 a2, u32 a3, u32 b0, u32 b1) {
  const int lane = threadIdx.x % 32, r = lane / 4, q = lane % 4;
  const u64 own[3] = {a0 | (u64)a1 << 32, a2 | (u64)a3 << 32, b0 | (u64)b1 << 32};
  u64(*table)[8] = exchange(own, 3);
  for (int i = 0; i < 4; ++i) {
    const int column = 2 * q + i % 2;
    for (int k = 0; k < 16; ++k) {
      const u64 a = table[4 * r + k % 8 / 2][k / 8], b = table[4 * column + k % 8 / 2][2];
      const u32 a_pair = (u32)(i < 2 ? a : a >> 32), b_pair = (u32)(k < 8 ? b : b >> 32);
      c[i] += TO_FLOAT((u16)(a_pair >> 16 * (k % 2))) * TO_FLOAT((u16)(b_pair >> 16 * (k % 2)));
    }
  }
}
inline void mma_half(float (&c)[4], u32 a0, u32 a1, u32 a2, u32 a3, u32 b0, u32 b1) {
  mma<half_to_float>(c, a0, a1, a2, a3, b0, b1);
}
inline void mma_bfloat(float (&c)[4], u32 a0, u32 a1, u32 a2, u32 a3, u32 b0, u32 b1) {
  mma<bfloat_to_float>(c, a0, a1, a2, a3, b0, b1);
}

inline uint4 load_once(const uint4* address) { return *address; }
template <class T> inline T __ldg(const T* address) { return *address; }
template <class T> inline T __ldcg(const T* address) { return *address; }
inline void let_next_kernel_start() {}
inline void wait_for_kernels_before() {}
inline void sync_block() { arrive(barriers[0].generation, barriers[0].arrived, block_threads); }
inline void sync_some(int barrier, int threads) {
  arrive(barriers[barrier].generation, barriers[barrier].arrived, threads);
}
inline void __threadfence() {}
template <class T> inline T atomicAdd(T* address, T value) {
  const T before = *address;
  *address += value;
  return before;
}
inline u32 shuffle_from(u32 value, int lane) {
  const u64 own = value;
  return (u32)exchange(&own, 1)[lane][0];
}
inline u32 shuffle_xor(u32 value, int mask) {
  return shuffle_from(value, (threadIdx.x % 32) ^ mask);
}
inline float shuffle_xor(float value, int mask) {
  return float_of(shuffle_xor(bits_of(value), mask));
}
inline float sum_of_warp(float value) {
  for (int mask = 16; mask > 0; mask >>= 1) value += shuffle_xor(value, mask);
  return value;
}
inline float largest_of_warp(float value) {
  for (int mask = 16; mask > 0; mask >>= 1) value = fmaxf(value, shuffle_xor(value, mask));
  return value;
}
inline u32 __byte_perm(u32 low, u32 high, u32 selector) {
  const u64 both = (u64)high << 32 | low;
  u32 result = 0;
  for (int i = 0; i < 4; ++i) result |= (u32)(both >> 8 * (selector >> 4 * i & 7) & 255) << 8 * i;
  return result;
}
inline float rsqrtf(float x) { return 1.0f / sqrtf(x); }
#define __expf expf
#define __logf logf
template <class T> inline T min(T a, T b) { return a < b ? a : b; }
template <class T> inline T max(T a, T b) { return a > b ? a : b; }
