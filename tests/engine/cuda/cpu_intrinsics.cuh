// Stands in for intrinsics.cuh, so that a C++ compiler for the CPU can build the kernels.
//
// Every thread is a coroutine. One that waits for its block, its warp or another block lets the others
// run. What a warp exchanges goes through a table of the warp's.
#pragma once

#include <math.h>
#include <setjmp.h>
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
struct alignas(8) uint2 { u32 x, y; };
inline float2 make_float2(float x, float y) { return {x, y}; }

#define DEVICE inline
#define KERNEL(threads) extern "C" void
#define KERNEL_ALONE(threads) extern "C" void
#define CONSTANT_FOR_HOST
#define SHARED static
#define INFINITY_VALUE INFINITY
#define __align__(bytes) __attribute__((aligned(bytes)))

struct Warp {
  u32 generation = 0, arrived = 0;
  u64 given[2][32][8];
};

struct Barrier { u32 generation = 0, arrived = 0; };

struct Launch { int blocks, threads, shared_bytes; bool together; };

// A block at work: what its threads share.
struct Block {
  std::vector<Warp> warps;
  Barrier barriers[2];
  std::vector<u8> shared;
};

static Index3 threadIdx, blockIdx, gridDim;
static int current, left, block_threads;
static bool progressed;
static jmp_buf scheduler;
static std::vector<ucontext_t> contexts;  // to begin with
struct Place { jmp_buf buffer; };
static std::vector<Place> places;  // to go on at
static std::vector<Block> blocks_at_work;
static std::function<void()> body;
static std::vector<bool> is_done, has_begun;

inline Block& own_block() { return blocks_at_work[current / block_threads]; }

inline void yield() {
  if (!_setjmp(places[current].buffer)) _longjmp(scheduler, 1);
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
  _longjmp(scheduler, 1);
}

// Lets thread `current` run until it yields or ends.
inline void go_on() {
  if (_setjmp(scheduler)) return;
  if (has_begun[current]) _longjmp(places[current].buffer, 1);
  has_begun[current] = true;
  setcontext(&contexts[current]);
}

// Runs blocks `first` to `first + count` at once.
inline void run_blocks(int first, int count, const Launch& launch) {
  const size_t stack_bytes = 1 << 16;
  static std::vector<char> stacks;
  const int threads = count * launch.threads;
  stacks.resize(threads * stack_bytes);
  contexts.assign(threads, ucontext_t());
  places.resize(threads);
  is_done.assign(threads, false);
  has_begun.assign(threads, false);
  block_threads = launch.threads;
  blocks_at_work.assign(count, Block());
  for (Block& block : blocks_at_work) {
    block.warps.assign((launch.threads + 31) / 32, Warp());
    block.shared.assign(launch.shared_bytes + 128, 0xAA);
  }
  for (int i = 0; i < threads; ++i) {
    getcontext(&contexts[i]);
    contexts[i].uc_stack.ss_sp = &stacks[i * stack_bytes];
    contexts[i].uc_stack.ss_size = stack_bytes;
    contexts[i].uc_link = nullptr;
    makecontext(&contexts[i], run_thread, 0);
  }
  for (left = threads; left > 0;) {
    progressed = false;
    for (current = 0; current < threads; ++current) {
      if (is_done[current]) continue;
      threadIdx.x = current % launch.threads;
      blockIdx.x = first + current / launch.threads;
      go_on();
      if (is_done[current]) --left;
    }
    if (left > 0 && !progressed) {
      fprintf(stderr, "Threads wait for one that will not come.\n");
      abort();
    }
  }
}

template <class... P, size_t... I>
void launch_with(void (*kernel)(P...), const Launch& launch, void** arguments,
                 std::index_sequence<I...>) {
  gridDim = {launch.blocks, 1, 1};
  body = [&] { kernel(*(std::remove_reference_t<P>*)arguments[I]...); };
  if (launch.together) return run_blocks(0, launch.blocks, launch);
  for (int block = 0; block < launch.blocks; ++block) run_blocks(block, 1, launch);
}

template <class... P>
void launch(void (*kernel)(P...), const Launch& settings, void** arguments) {
  launch_with(kernel, settings, arguments, std::index_sequence_for<P...>());
}

// Gives 64-bit words of this lane to the warp; returns the table of what every lane gave.
inline u64 (*exchange(const u64* own, int count))[8] {
  Warp& warp = own_block().warps[threadIdx.x / 32];
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
inline float divide(float a, float b) { return a / b; }

template <class A>
inline void mma(int (&c)[4], u32 a0, u32 a1, u32 a2, u32 a3, u32 b0, u32 b1) {
  const int lane = threadIdx.x % 32, r = lane / 4, q = lane % 4;
  const u64 own[3] = {a0 | (u64)a1 << 32, a2 | (u64)a3 << 32, b0 | (u64)b1 << 32};
  u64(*table)[8] = exchange(own, 3);
  for (int i = 0; i < 4; ++i) {
    const int column = 2 * q + i % 2;
    for (int k = 0; k < 32; ++k) {
      const u64 a = table[4 * r + k % 16 / 4][k / 16], b = table[4 * column + k % 16 / 4][2];
      const u32 a_word = (u32)(i < 2 ? a : a >> 32), b_word = (u32)(k < 16 ? b : b >> 32);
      c[i] += (int)(A)(a_word >> 8 * (k % 4)) * (int)(signed char)(b_word >> 8 * (k % 4));
    }
  }
}
inline void mma_signed(int (&c)[4], u32 a0, u32 a1, u32 a2, u32 a3, u32 b0, u32 b1) {
  mma<signed char>(c, a0, a1, a2, a3, b0, b1);
}
inline void mma_unsigned(int (&c)[4], u32 a0, u32 a1, u32 a2, u32 a3, u32 b0, u32 b1) {
  mma<u8>(c, a0, a1, a2, a3, b0, b1);
}

inline uint4 load_once(const uint4* address) { return *address; }
template <class T> inline T __ldg(const T* address) { return *address; }
template <class T> inline T __ldcg(const T* address) { return *address; }
template <class T> inline T load_shared_by_all(const T* address) { return *address; }
inline void add_release(u32* address, u32 value) { *address += value; progressed = true; }
inline void store_relaxed(u32* address, u32 value) { *address = value; progressed = true; }
template <class T> inline T load_relaxed(const T* address) { return *address; }
inline void wait_a_little() { yield(); }
inline void add_relaxed(u32* address, u32 value) { add_release(address, value); }
inline u32 load_acquire(const u32* address) { return *address; }
inline void store_for_host(int* address, int value) { *address = value; }
inline void pause() { yield(); }
inline u8* shared_memory() { return (u8*)((u64)(own_block().shared.data() + 127) & ~127ull); }
inline void sync_block() {
  Barrier& barrier = own_block().barriers[0];
  arrive(barrier.generation, barrier.arrived, block_threads);
}
inline void sync_some(int threads) {
  Barrier& barrier = own_block().barriers[1];
  arrive(barrier.generation, barrier.arrived, threads);
}
inline void sync_warp() { exchange(nullptr, 0); }

// Copies are done at once. A barrier's word: how many are to arrive, how many have, the phase.
#define COPYING_THREADS 1
struct CopyBarrier { u32 expected : 8, arrived : 8, phase : 1; };
inline void prepare_barrier(u64* barrier, int count) {
  *barrier = 0;
  ((CopyBarrier*)barrier)->expected = count;
}
inline void barriers_are_prepared() {}
inline void arrive(u64* barrier) {
  CopyBarrier& own = *(CopyBarrier*)barrier;
  progressed = true;
  own.arrived = own.arrived + 1;
  if (own.arrived == own.expected) {
    own.arrived = 0;
    own.phase = own.phase ^ 1;
  }
}
inline bool is_complete(u64* barrier, u32 parity) {
  return ((CopyBarrier*)barrier)->phase != parity;
}
inline void wait_until_complete(u64* barrier, u32 parity) {
  while (!is_complete(barrier, parity)) yield();
}
template <class Copy>
inline void copy_for_each(bool has_one, const Copy& copy, u8* stage, u64* full) {
  if (!has_one) return;
  for (u32 run = 0; run < copy.runs; ++run)
    memcpy(stage + run * copy.second_place, run ? copy.second : copy.first, copy.bytes);
  arrive(full);
}
inline bool any_of_warp(bool value) {
  const u64 own = value;
  u64(*table)[8] = exchange(&own, 1);
  bool any = false;
  for (int lane = 0; lane < 32; ++lane) any |= table[lane][0] != 0;
  return any;
}
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
inline float float_from(float value, int lane) {
  return float_of(shuffle_from(bits_of(value), lane));
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
