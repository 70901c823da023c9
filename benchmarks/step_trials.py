"""Which division of work is fastest? The decode step alone, on random weights of a 7B shape.

``python -m benchmarks.step_trials --out FILE.json``. Tries teams, blocks and splits for each
precision; the winners belong into engine/cuda/tuning.py.
"""

import argparse
import itertools
import json
import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import torch
from torch import Tensor

from benchmarks.gpu_clock import copy_rate
from benchmarks.machine import describe_machine
from xverse_chat.engine.cuda.compiler import load_or_compile
from xverse_chat.engine.cuda.layout import DeviceMatrix, unpack
from xverse_chat.engine.cuda.program import Program
from xverse_chat.engine.cuda.shape import Shape
from xverse_chat.engine.cuda.step import LayerWeights, ModelWeights, Step, StepBuffers
from xverse_chat.engine.cuda.tuning import Tuning

DEVICE = torch.device("cuda")
STEPS = 100


def random_matrix(rows: int, columns: int, bits: int, *, is_gated: bool = False) -> DeviceMatrix:
    """Return random codes (or weights), about as large as a model's."""
    if bits == 16:
        weight = torch.randn(rows, columns, device=DEVICE, dtype=torch.float16) * 0.02
        return DeviceMatrix(rows, columns, 16, weight, None, None, is_gated)
    unit = 64 if bits == 4 else 32
    tiles = -(-rows // 16)
    low, high = -(2**31), 2**31 - 1
    words = torch.randint(
        low, high, (tiles, columns // unit, 32, 4), device=DEVICE, dtype=torch.int32
    )
    if bits == 8:
        scales = torch.full((rows,), 3e-4, device=DEVICE)
        return DeviceMatrix(rows, columns, 8, words, scales, None, is_gated)
    groups = (tiles, columns // unit, 8)
    halves = torch.full((*groups, 2), 0.005, device=DEVICE, dtype=torch.float16)
    zeros = torch.randint(0, 255, groups, device=DEVICE, dtype=torch.uint8)
    return DeviceMatrix(
        rows, columns, 4, words, halves.view(torch.int32).squeeze(-1), zeros, is_gated
    )


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
        buffers.state.copy_(torch.tensor([7, length, 0], dtype=torch.int32))
        torch.cuda.synchronize()
        began = time.perf_counter()
        for _ in range(STEPS):
            graph.replay()
        torch.cuda.synchronize()
        times.append((time.perf_counter() - began) / STEPS * 1e3)
    return statistics.median(times)


def check(program: Program, tuning: Tuning, weights: ModelWeights, shape: Shape) -> float:
    """Return the relative error of one product against float64 on the device."""
    matrix = weights.layers[0].down
    x = torch.randn(shape.intermediate, device=DEVICE).half()
    hidden = torch.zeros(shape.hidden, device=DEVICE)
    program.launch(
        "down_gemv",
        grid=(tuning.gemv_blocks, 1),
        threads=tuning.teams * 256,
        arguments=[matrix, x, hidden],
    )
    expected = unpack(matrix, torch.float64) @ x.double()
    return float((hidden.double() - expected).norm() / expected.norm())


def set_sampling(buffers: StepBuffers, *, samples: bool) -> None:
    """Write sampling settings: greedy, or those of XVERSE's generation_config."""
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
    parser.add_argument(
        "--trials", nargs="*", default=["1,3,2", "1,4,2", "1,4,3", "2,1,1", "2,2,1"]
    )
    parser.add_argument("--splits", type=int, nargs="*", default=[12])
    options = parser.parse_args()
    capability = torch.cuda.get_device_capability()
    cores = torch.cuda.get_device_properties(0).multi_processor_count
    rows: list[dict[str, object]] = []
    rate = copy_rate()
    result = {"machine": describe_machine(), "copy_bytes_per_s": rate, "trials": rows}
    print("copy", rate / 1e9)
    trials = [tuple(map(int, trial.split(","))) for trial in options.trials]
    began = time.perf_counter()

    def shape_for(bits: int) -> Shape:
        return Shape(
            4096, 11008, options.layers, 32, 100534, 1e-6, bits, 16 if bits == 16 else 8, False
        )

    wanted = list(itertools.product(options.bits, sorted({trial[:2] for trial in trials})))
    with ThreadPoolExecutor(12) as pool:
        codes = dict(
            zip(
                wanted,
                pool.map(
                    lambda pair: load_or_compile(
                        capability, shape_for(pair[0]).defines(teams=pair[1][0], blocks=pair[1][1])
                    ),
                    wanted,
                ),
                strict=True,
            )
        )
    print("compiled", len(codes), "in", round(time.perf_counter() - began, 1), "s")
    for bits in options.bits:
        shape = shape_for(bits)
        weights = random_weights(shape)
        angles = torch.randn(8448, 64, 2, device=DEVICE)
        for (teams, sharing, each), splits in itertools.product(trials, options.splits):
            tuning = Tuning(teams, sharing, each * cores, splits)
            row: dict[str, object] = {"bits": bits, "tuning": [teams, sharing, each, splits]}
            try:
                program = Program(codes[bits, (teams, sharing)], DEVICE)
                row["error"] = check(program, tuning, weights, shape)
                buffers = StepBuffers(shape, tuning, 8448, DEVICE, angles)
                buffers.cache.normal_()
                step = Step(program, shape, tuning, weights, buffers)
                graph = record(step)
                set_sampling(buffers, samples=False)
                row["ms"] = milliseconds(graph, buffers, 512)
                row["share"] = weights.size_bytes / float(row["ms"]) * 1e3 / rate  # type: ignore[arg-type]
                row["ms_8k"] = milliseconds(graph, buffers, 8000)
                set_sampling(buffers, samples=True)
                row["ms_sampling"] = milliseconds(graph, buffers, 512)
                row["gigabytes"] = weights.size_bytes / 1e9
                del graph, step, buffers
            except Exception as error:
                row["failed"] = repr(error)
            rows.append(row)
            print(json.dumps(row), flush=True)
            options.out.write_text(json.dumps(result, indent=1) + "\n", "utf-8")
        del weights
        torch.cuda.empty_cache()


if __name__ == "__main__":
    main()
