"""Which division of work is fastest? The decode step alone, on random weights of a 7B shape.

``python -m benchmarks.step_trials --out FILE.json``. Each trial is teams,splits; what
it computes is held to float64 first. The winners belong into engine/cuda/tuning.py.
"""

import argparse
import json
import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from benchmarks.gpu_clock import copy_rate
from benchmarks.machine import describe_machine
from xverse_chat.engine.cuda.compiler import load_or_compile
from xverse_chat.engine.cuda.layout import DeviceMatrix, pieces, unpack
from xverse_chat.engine.cuda.program import Program
from xverse_chat.engine.cuda.shape import Shape
from xverse_chat.engine.cuda.step import LayerWeights, ModelWeights, Step, StepBuffers
from xverse_chat.engine.cuda.tuning import Tuning, tuning_for

DEVICE = torch.device("cuda")
STEPS = 100
CAPACITY = 8448


def random_matrix(rows: int, columns: int, bits: int, *, is_gated: bool = False) -> DeviceMatrix:
    """Return random codes (or weights), about as large as a model's."""
    if bits == 16:
        weight = torch.randn(rows, columns, device=DEVICE, dtype=torch.float16) * 0.02
        return DeviceMatrix(rows, columns, 16, weight, None, is_gated)
    tiles = -(-rows // 16)
    size_bytes = max(piece.offset_bytes + piece.units * 512 for piece in pieces(columns, bits))
    size_bytes += 320 if bits == 4 else 0
    raw = torch.randint(0, 256, (tiles, size_bytes), device=DEVICE, dtype=torch.uint8)
    if bits == 8:
        return DeviceMatrix(
            rows, columns, 8, raw, torch.full((rows,), 3e-4, device=DEVICE), is_gated
        )
    for piece in pieces(columns, bits):
        end = piece.offset_bytes + piece.units * 512
        raw[:, end : end + 256] = torch.full(
            (128,), 0.005, dtype=torch.float16, device=DEVICE
        ).view(torch.uint8)
        raw[:, end + 256 : end + 320] = 0x77  # zero points of 7
    return DeviceMatrix(rows, columns, 4, raw, None, is_gated)


def random_weights(shape: Shape) -> ModelWeights:
    """Return a model of random weights."""
    h, i, b = shape.hidden, shape.intermediate, shape.bits

    def ones() -> Tensor:
        return torch.ones(h, device=DEVICE, dtype=torch.float16)

    layers = [
        LayerWeights(
            ones(),
            random_matrix(3 * h, h, b),
            random_matrix(h, h, b),
            ones(),
            random_matrix(2 * i, h, b, is_gated=True),
            random_matrix(h, i, b),
        )
        for _ in range(shape.layers)
    ]
    embedding = torch.randn(shape.vocab, h, device=DEVICE, dtype=torch.float16)
    return ModelWeights(embedding, layers, ones(), random_matrix(shape.vocab, h, shape.head_bits))


def random_angles(shape: Shape) -> Tensor:
    """Return cos and sin (capacity, head_dim / 2, 2) as RoPE has them."""
    half = shape.head_dim // 2
    frequencies = 10_000.0 ** (-torch.arange(half, device=DEVICE, dtype=torch.float64) / half)
    turns = torch.outer(torch.arange(CAPACITY, device=DEVICE, dtype=torch.float64), frequencies)
    return torch.stack((turns.cos(), turns.sin()), dim=-1).float().contiguous()


def reference_logits(
    weights: ModelWeights, shape: Shape, buffers: StepBuffers, token: int, length: int
) -> Tensor:
    """Return the logits (vocab,) of a step in float64, from the same codes and cache."""

    def normed(x: Tensor, gain: Tensor) -> Tensor:
        return x * torch.rsqrt(x.square().mean() + shape.norm_eps) * gain.double()

    def rotated(x: Tensor) -> Tensor:
        cos, sin = buffers.angles[length].double().unbind(-1)
        a, b = x.view(shape.heads, 2, -1).unbind(1)
        return torch.cat((a * cos - b * sin, b * cos + a * sin), dim=-1)

    def product(matrix: DeviceMatrix, x: Tensor) -> Tensor:
        return unpack(matrix, torch.float32).double() @ x

    hidden = weights.embedding[token].double()
    for layer, cache in zip(weights.layers, buffers.cache, strict=True):
        q, k, v = product(layer.qkv, normed(hidden, layer.input_norm)).chunk(3)
        past_keys, past_values = cache[:, :, :length].double()
        keys = torch.cat((past_keys, rotated(k).unsqueeze(1)), dim=1)
        values = torch.cat((past_values, v.view(shape.heads, 1, -1)), dim=1)
        scores = (keys @ rotated(q).unsqueeze(-1)).squeeze(-1) / shape.head_dim**0.5
        mixed = torch.softmax(scores, dim=-1).unsqueeze(1) @ values
        hidden = hidden + product(layer.output, mixed.flatten())
        gate, up = product(layer.gate_up, normed(hidden, layer.post_norm)).chunk(2)
        hidden = hidden + product(layer.down, gate * torch.sigmoid(gate) * up)
    return product(weights.head, normed(hidden, weights.norm))


def check(
    code: bytes, tuning: Tuning, shape: Shape, weights: ModelWeights, angles: Tensor
) -> float:
    """Return the relative error of the logits of two steps with all layers."""
    buffers = StepBuffers(shape, tuning, CAPACITY, DEVICE, angles)
    buffers.cache.normal_()
    set_sampling(buffers, samples=False)
    step = Step(Program(code, DEVICE), shape, tuning, weights, buffers)
    worst = 0.0
    for token, length in ((5, 0), (17, 533)):
        expected = reference_logits(weights, shape, buffers, token, length)
        buffers.state[:3] = torch.tensor([token, length, 0], dtype=torch.int32)
        step.run()
        torch.cuda.synchronize()
        error = (buffers.logits.double() - expected).norm() / expected.norm()
        worst = max(worst, float(error))
    return worst


def record(step: Step) -> torch.cuda.CUDAGraph:
    """Return the whole step as a graph."""
    step.run()
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        step.run()
    return graph


def milliseconds(graph: torch.cuda.CUDAGraph, buffers: StepBuffers, length: int) -> float:
    """Return the median time of a step from ``length`` tokens on."""
    times = []
    for _ in range(5):
        buffers.state[:3] = torch.tensor([7, length, 0], dtype=torch.int32)
        torch.cuda.synchronize()
        began = time.perf_counter()
        for _ in range(STEPS):
            graph.replay()
        torch.cuda.synchronize()
        times.append((time.perf_counter() - began) / STEPS * 1e3)
    return statistics.median(times)


def set_sampling(buffers: StepBuffers, *, samples: bool) -> None:
    """Write sampling settings: greedy, or the family's usual ones."""
    values = torch.zeros(6, dtype=torch.int32)
    values[:3].view(torch.float32)[:] = torch.tensor([1 / 0.5 if samples else 0.0, 0.85, 1.1])
    values[3:] = torch.tensor([30, 1, 2])
    buffers.settings.copy_(values)


def main() -> None:
    """Try all and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--bits", type=int, nargs="*", default=[16, 8, 4])
    parser.add_argument("--layers", type=int, default=32)
    parser.add_argument("--trials", nargs="*", default=["1,4", "2,4", "1,2"])
    parser.add_argument("--defines", nargs="*", default=[], help="more options of the compiler")
    options = parser.parse_args()
    capability = torch.cuda.get_device_capability()
    rows: list[dict[str, object]] = []
    rate = copy_rate()
    result = {"machine": describe_machine(), "copy_bytes_per_s": rate, "trials": rows}
    print("copy", rate / 1e9)
    began = time.perf_counter()

    def shape_for(bits: int) -> Shape:
        head_bits = 16 if bits == 16 else 8
        return Shape(4096, 11008, options.layers, 32, 100534, 1e-6, bits, head_bits, False)

    def tuning_of(trial: str) -> Tuning:
        teams, splits = map(int, trial.split(","))
        tuning = tuning_for(DEVICE, heads=32)
        return replace(tuning, teams=teams, splits=splits)

    def code_for(wanted: tuple[int, str]) -> bytes:
        bits, trial = wanted
        defines = [*shape_for(bits).defines(), *tuning_of(trial).defines()]
        return load_or_compile(capability, [*defines, *(f"-D{name}" for name in options.defines)])

    wanted = [(bits, trial) for bits in options.bits for trial in options.trials]
    with ThreadPoolExecutor(12) as pool:
        codes = dict(zip(wanted, pool.map(code_for, wanted), strict=True))
    print("compiled", len(codes), "in", round(time.perf_counter() - began, 1), "s")
    for bits in options.bits:
        shape = shape_for(bits)
        weights, angles = random_weights(shape), random_angles(shape)
        few = replace(weights, layers=weights.layers[:2])
        for trial in options.trials:
            row: dict[str, object] = {"bits": bits, "trial": trial}
            try:
                tuning = tuning_of(trial)
                two = replace(shape, layers=2)
                row["error"] = check(codes[bits, trial], tuning, two, few, angles)
                buffers = StepBuffers(shape, tuning, CAPACITY, DEVICE, angles)
                buffers.cache.normal_()
                program = Program(codes[bits, trial], DEVICE)
                row["shared_bytes"] = program.constant("step_shared_bytes")
                graph = record(Step(program, shape, tuning, weights, buffers))
                set_sampling(buffers, samples=False)
                row["ms"] = round(milliseconds(graph, buffers, 512), 4)
                row["share"] = round(weights.size_bytes / float(str(row["ms"])) * 1e3 / rate, 4)
                row["ms_8k"] = round(milliseconds(graph, buffers, 8000), 4)
                set_sampling(buffers, samples=True)
                row["ms_sampling"] = round(milliseconds(graph, buffers, 512), 4)
                row["gigabytes"] = weights.size_bytes / 1e9
                del graph, buffers
            except Exception as error:
                row["failed"] = repr(error)
            rows.append(row)
            print(json.dumps(row), flush=True)
            options.out.write_text(json.dumps(result, indent=1) + "\n", "utf-8")
        del weights, few
        torch.cuda.empty_cache()


if __name__ == "__main__":
    main()
