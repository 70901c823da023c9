// What the kernels need of the hardware beyond plain C++, one small function each.
// Compiled by NVRTC without any header of CUDA's; tests put a file for the CPU in this one's place.
#pragma once

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;

#define DEVICE __device__ __forceinline__
#define KERNEL(threads) extern "C" __global__ void __launch_bounds__(threads)
// One block of it on a multiprocessor: it may use all registers.
#define KERNEL_ALONE(threads) extern "C" __global__ void __launch_bounds__(threads, 1)
#define CONSTANT_FOR_HOST __device__ const
#define SHARED __shared__
#define INFINITY_VALUE __int_as_float(0x7f800000)

DEVICE float half_to_float(u16 bits) {
  float value;
  asm("cvt.f32.f16 %0, %1;" : "=f"(value) : "h"(bits));
  return value;
}

DEVICE u16 float_to_half(float value) {
  u16 bits;
  asm("cvt.rn.f16.f32 %0, %1;" : "=h"(bits) : "f"(value));
  return bits;
}

DEVICE float bfloat_to_float(u16 bits) { return __uint_as_float((u32)bits << 16); }

DEVICE u16 float_to_bfloat(float value) {
  u16 bits;
  asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(bits) : "f"(value));
  return bits;
}

// Within two units in the last place, in two instructions.
DEVICE float divide(float a, float b) { return __fdividef(a, b); }

// c (16 x 8) += a (16 x 32) * b (32 x 8) over a warp, of bytes. Lane 4r + q holds of a the rows r and
// r + 8, columns 4q to 4q + 3 (a0, a1) and 4q + 16 to 4q + 19 (a2, a3); of b the same rows, column
// r; of c rows r and r + 8, columns 2q and 2q + 1.
#define MMA(types)                                                                               \
  asm("mma.sync.aligned.m16n8k32.row.col.s32." types ".s32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, "       \
      "{%8,%9}, {%0,%1,%2,%3};"                                                                  \
      : "+r"(c[0]), "+r"(c[1]), "+r"(c[2]), "+r"(c[3])                                           \
      : "r"(a0), "r"(a1), "r"(a2), "r"(a3), "r"(b0), "r"(b1))

DEVICE void mma_signed(int (&c)[4], u32 a0, u32 a1, u32 a2, u32 a3, u32 b0, u32 b1) {
  MMA("s8.s8");
}
DEVICE void mma_unsigned(int (&c)[4], u32 a0, u32 a1, u32 a2, u32 a3, u32 b0, u32 b1) {
  MMA("u8.s8");
}

// Weights are read once for each token: they need no place in the first cache.
DEVICE uint4 load_once(const uint4* address) {
  uint4 value;
  asm("ld.global.nc.L1::no_allocate.v4.u32 {%0,%1,%2,%3}, [%4];"
      : "=r"(value.x), "=r"(value.y), "=r"(value.z), "=r"(value.w)
      : "l"(address));
  return value;
}

// What other blocks wrote during this kernel: the first cache may hold what was there before.
DEVICE float load_shared_by_all(const float* address) { return __ldcg(address); }
DEVICE int load_shared_by_all(const int* address) { return __ldcg(address); }
DEVICE u32 load_shared_by_all(const u32* address) { return __ldcg(address); }
DEVICE u64 load_shared_by_all(const u64* address) { return __ldcg(address); }

DEVICE void add_release(u32* address, u32 value) {
  asm volatile("red.release.gpu.global.add.u32 [%0], %1;" ::"l"(address), "r"(value) : "memory");
}

DEVICE void add_relaxed(u32* address, u32 value) {
  asm volatile("red.relaxed.gpu.global.add.u32 [%0], %1;" ::"l"(address), "r"(value) : "memory");
}

DEVICE u32 load_acquire(const u32* address) {
  u32 value;
  asm volatile("ld.acquire.gpu.global.u32 %0, [%1];" : "=r"(value) : "l"(address) : "memory");
  return value;
}

// Words that say themselves whether they are the ones waited for: no order with others is needed.
DEVICE void store_relaxed(u32* address, u32 value) {
  asm volatile("st.relaxed.gpu.global.u32 [%0], %1;" ::"l"(address), "r"(value) : "memory");
}

DEVICE u32 load_relaxed(const u32* address) {
  u32 value;
  asm volatile("ld.relaxed.gpu.global.u32 %0, [%1];" : "=r"(value) : "l"(address) : "memory");
  return value;
}

DEVICE uint2 load_relaxed(const uint2* address) {
  uint2 value;
  asm volatile("ld.relaxed.gpu.global.v2.u32 {%0, %1}, [%2];"
               : "=r"(value.x), "=r"(value.y)
               : "l"(address)
               : "memory");
  return value;
}

DEVICE uint4 load_relaxed(const uint4* address) {
  uint4 value;
  asm volatile("ld.relaxed.gpu.global.v4.u32 {%0, %1, %2, %3}, [%4];"
               : "=r"(value.x), "=r"(value.y), "=r"(value.z), "=r"(value.w)
               : "l"(address)
               : "memory");
  return value;
}

// Seen by the host before anything that is written later.
DEVICE void store_for_host(int* address, int value) {
  asm volatile("st.release.sys.global.u32 [%0], %1;" ::"l"(address), "r"(value) : "memory");
}

// Lets other warps work.
DEVICE void pause() { __nanosleep(40); }
DEVICE void wait_a_little() {}

extern __shared__ __align__(128) u8 shared_bytes[];
DEVICE u8* shared_memory() { return shared_bytes; }

DEVICE u32 shared_address(const void* pointer) {
  u64 address;
  asm("cvta.to.shared.u64 %0, %1;" : "=l"(address) : "l"(pointer));
  return (u32)address;
}

// What another lane has, any struct of 32-bit words.
template <class T>
DEVICE T from_lane(const T& value, int lane) {
  T result;
#pragma unroll
  for (int i = 0; i < sizeof(T) / 4; ++i)
    ((u32*)&result)[i] = __shfl_sync(0xffffffffu, ((const u32*)&value)[i], lane);
  return result;
}

// Barriers in shared memory, for copies that go on by themselves: complete when `count` threads have
// arrived and all bytes that they expect are there.
//
// From Hopper on one thread copies a whole run; before, every lane of a warp 16 bytes at a time. A
// bulk copy keeps its warp for 45 ns, whatever its size (H200): runs must be long.
#if __CUDA_ARCH__ >= 900 && !defined(WITHOUT_BULK_COPIES)
#define HAS_BULK_COPIES 1
#else
#define HAS_BULK_COPIES 0
#endif
#define COPYING_THREADS (HAS_BULK_COPIES ? 1 : 32)

DEVICE void prepare_barrier(u64* barrier, int count) {
  asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(shared_address(barrier)), "r"(count)
               : "memory");
}

DEVICE void barriers_are_prepared() {
#if HAS_BULK_COPIES
  asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
#endif
}

DEVICE void arrive(u64* barrier) {
  asm volatile("{.reg .b64 t; mbarrier.arrive.shared::cta.b64 t, [%0];}" ::"r"(
                   shared_address(barrier))
               : "memory");
}

// Whether the phase of this parity has been completed.
DEVICE bool is_complete(u64* barrier, u32 parity) {
  u32 result;
  asm volatile(
      "{.reg .pred p; mbarrier.test_wait.parity.shared::cta.b64 p, [%1], %2; selp.u32 %0, 1, 0, p;}"
      : "=r"(result)
      : "r"(shared_address(barrier)), "r"(parity)
      : "memory");
  return result;
}

DEVICE void wait_until_complete(u64* barrier, u32 parity) {
#if __CUDA_ARCH__ >= 900
  u32 result;
  do {  // sleeps in hardware, for a while
    asm volatile(
        "{.reg .pred p; mbarrier.try_wait.parity.shared::cta.b64 p, [%1], %2; "
        "selp.u32 %0, 1, 0, p;}"
        : "=r"(result)
        : "r"(shared_address(barrier)), "r"(parity)
        : "memory");
  } while (!result);
#else
  while (!is_complete(barrier, parity)) {
  }
#endif
}

// Starts the copy of each lane that has one; `full` becomes complete when it is there. For a whole
// warp. A copy is of one or two runs of `bytes`, a multiple of 16.
template <class Copy>
DEVICE void copy_for_each(bool has_one, const Copy& copy, u8* stage, u64* full) {
#if HAS_BULK_COPIES
  if (!has_one) return;
  asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(
                   shared_address(full)),
               "r"(copy.runs * copy.bytes)
               : "memory");
  for (u32 run = 0; run < copy.runs; ++run)
    asm volatile(
        "cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1], %2, "
        "[%3];" ::"r"(shared_address(stage + run * copy.second_place)),
        "l"(run ? copy.second : copy.first), "r"(copy.bytes), "r"(shared_address(full))
        : "memory");
#else
  for (u32 left = __ballot_sync(0xffffffffu, has_one); left; left &= left - 1) {
    const int whose = __ffs(left) - 1;
    const Copy theirs = from_lane(copy, whose);
    const u32 to = shared_address((u8*)from_lane((u64)stage, whose));
    for (u32 run = 0; run < theirs.runs; ++run) {
      const u8* from = run ? theirs.second : theirs.first;
#pragma unroll 4
      for (u32 i = threadIdx.x % 32 * 16; i < theirs.bytes; i += 512)
        asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(
                         to + run * theirs.second_place + i),
                     "l"(from + i)
                     : "memory");
    }
    asm volatile("cp.async.mbarrier.arrive.noinc.shared::cta.b64 [%0];" ::"r"(
                     shared_address((u64*)from_lane((u64)full, whose)))
                 : "memory");
  }
#endif
}

DEVICE void sync_warp() { __syncwarp(); }

DEVICE void sync_block() { __syncthreads(); }

// Waits for `threads` threads that come here, of a block in which others do not.
DEVICE void sync_some(int threads) {
  asm volatile("bar.sync 1, %0;" ::"r"(threads) : "memory");
}

DEVICE bool any_of_warp(bool value) { return __any_sync(0xffffffffu, value); }

DEVICE float shuffle_xor(float value, int mask) { return __shfl_xor_sync(0xffffffffu, value, mask); }
DEVICE u32 shuffle_xor(u32 value, int mask) { return __shfl_xor_sync(0xffffffffu, value, mask); }

DEVICE u32 shuffle_from(u32 value, int lane) { return __shfl_sync(0xffffffffu, value, lane); }
DEVICE float float_from(float value, int lane) { return __shfl_sync(0xffffffffu, value, lane); }

DEVICE float sum_of_warp(float value) {
  for (int mask = 16; mask > 0; mask >>= 1) value += shuffle_xor(value, mask);
  return value;
}

DEVICE float largest_of_warp(float value) {
  for (int mask = 16; mask > 0; mask >>= 1) value = fmaxf(value, shuffle_xor(value, mask));
  return value;
}
