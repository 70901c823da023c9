"""How near to a copy do Triton's and PyTorch's matrix-vector kernels come, on one GPU?

``python -m benchmarks.triton_gemv --out FILE.json``. Every matrix of one token of a 7B model, with
weights of its own for each layer, so that no cache helps, in one CUDA graph. Random codes: the
time does not depend on them.
"""

import argparse
import json
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from benchmarks.gpu_clock import copy_rate, graph_seconds, random_bytes
from benchmarks.machine import describe_machine
from benchmarks.triton_kernels import Tile, gemv4, gemv8, gemv16, prepare4

LAYERS = 32
# (N, K) of a layer; the head comes once.
SHAPES = {
    "qkv": (12288, 4096),
    "o": (4096, 4096),
    "gate_up": (22016, 4096),
    "down": (4096, 11008),
    "head": (100534, 4096),
}
TILES = {
    16: (Tile(2, 2048, 4), Tile(1, 2048, 4), Tile(4, 1024, 4), Tile(2, 4096, 8)),
    8: (Tile(4, 512, 4), Tile(2, 512, 4), Tile(16, 64, 4), Tile(32, 64, 4), Tile(16, 128, 8)),
    4: (Tile(16, 64, 4), Tile(32, 64, 4), Tile(8, 64, 4), Tile(32, 64, 8)),
}
# Enough of one matrix that a 60 MB cache holds little of it.
_TRIAL_BYTES = 400_000_000


@dataclass(frozen=True, slots=True)
class Matrix:
    """One matrix in some layout: its launch, and the bytes it must read."""

    launch: Callable[[], object]
    size_bytes: int


# Makes a matrix (N, K) of random codes.
Maker = Callable[[int, int], Matrix]


def main() -> None:
    """Measure each kernel and write what was found, whatever fails."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--layers", type=int, default=LAYERS)
    parser.add_argument("--budget-s", type=float, default=80, help="no new trial after this")
    options = parser.parse_args()
    began = time.monotonic()
    rate = copy_rate()
    result: dict[str, object] = {
        "machine": describe_machine(),
        "date": time.strftime("%Y-%m-%d"),
        "layers": options.layers,
        "copy_bytes_per_s": rate,
    }
    print(f"copy {rate / 1e9:.0f} GB/s", flush=True)
    result["compile_s"] = _compile_all()
    print(f"compiled in {result['compile_s']} s", flush=True)
    for name, measure in _measurements(options.layers, began + options.budget_s):
        try:
            figures = measure(rate)
        except Exception as failure:
            # One kernel that fails must not take the others' figures with it.
            traceback.print_exc()
            figures = {"error": f"{type(failure).__name__}: {failure}"[:500]}
        result[name] = figures
        print(name, json.dumps(figures), flush=True)
        options.out.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
        torch.cuda.empty_cache()
    print(f"{time.monotonic() - began:.0f} s in all", flush=True)


def _measurements(
    layers: int, deadline: float
) -> Iterator[tuple[str, Callable[[float], dict[str, object]]]]:
    for name, maker in (("cublas_16", _cublas), ("tinygemm_4", _tinygemm)):
        makers = dict.fromkeys(SHAPES, maker)
        yield name, partial(_token, makers, layers)
    for bits in (4, 8, 16):
        yield f"triton_{bits}", partial(_best_triton, bits, layers, deadline)


def _token(makers: Mapping[str, Maker], layers: int, rate: float) -> dict[str, object]:
    """Return the figures of all matrices of one token, as one graph."""
    matrices = [
        makers[name](*shape)
        for name, shape in SHAPES.items()
        for _ in range(1 if name == "head" else layers)
    ]
    # As an engine would meet them: layer by layer, the head last.
    order = [matrices[part * layers + layer] for layer in range(layers) for part in range(4)]
    order.append(matrices[-1])
    seconds = graph_seconds(partial(_launch_all, order))
    size_bytes = sum(matrix.size_bytes for matrix in order)
    return {
        "ms": round(seconds * 1e3, 4),
        "bytes": size_bytes,
        "gb_per_s": round(size_bytes / seconds / 1e9, 1),
        "tokens_per_s": round(1 / seconds, 1),
        "copy_share": round(size_bytes / seconds / rate, 4),
    }


def _best_triton(bits: int, layers: int, deadline: float, rate: float) -> dict[str, object]:
    trials = {name: _trial(bits, *shape, deadline) for name, shape in SHAPES.items()}
    best = {name: max(rates, key=lambda tile: rates[tile]) for name, rates in trials.items()}
    makers = {name: partial(_triton, bits, tile) for name, tile in best.items()}
    figures = _token(makers, layers, rate)
    figures["trials_gb_per_s"] = {
        name: {
            f"{tile.rows} x {tile.columns}, {tile.warps} warps": round(rate)
            for tile, rate in rates.items()
        }
        for name, rates in trials.items()
    }
    return figures


def _trial(bits: int, rows: int, columns: int, deadline: float) -> dict[Tile, float]:
    """Return GB/s of each tile; only the first one when time is up."""
    rates: dict[Tile, float] = {}
    for tile in TILES[bits]:
        if rates and time.monotonic() > deadline:
            break
        size_bytes = rows * columns * bits // 8
        copies = [
            _triton(bits, tile, rows, columns) for _ in range(max(2, _TRIAL_BYTES // size_bytes))
        ]
        seconds = graph_seconds(partial(_launch_all, copies), repeats=5)
        rates[tile] = sum(copy.size_bytes for copy in copies) / seconds / 1e9
    return rates


def _launch_all(matrices: list[Matrix]) -> None:
    for matrix in matrices:
        matrix.launch()


def _compile_all() -> float:
    """Compile every kernel and tile at once on all cores; return the seconds."""
    began = time.monotonic()
    jobs = [
        (bits, tile, columns) for bits in TILES for tile in TILES[bits] for columns in (4096, 11008)
    ]

    def compile_one(job: tuple[int, Tile, int]) -> None:
        bits, tile, columns = job
        _triton(bits, tile, tile.rows, columns).launch()

    with ThreadPoolExecutor(16) as pool:
        for job, done in [(job, pool.submit(compile_one, job)) for job in jobs]:
            if failure := done.exception():
                print(job, failure, flush=True)
    torch.cuda.synchronize()
    return round(time.monotonic() - began, 1)


def _triton(bits: int, tile: Tile, rows: int, columns: int) -> Matrix:
    x, out = _vectors(rows, columns, torch.float16)
    if bits == 16:
        weight = _random_half(rows, columns, torch.float16)
        return Matrix(lambda: gemv16(x, weight, out, tile), 2 * rows * columns)
    words = random_bytes(rows, columns * bits // 8).view(torch.int32)
    if bits == 8:
        scales = torch.full((rows,), 1e-3, device="cuda")
        return Matrix(lambda: gemv8(x, words, scales, out, tile), rows * columns + 4 * rows)
    groups = torch.full((rows, columns // 64), 1e-3, device="cuda").view(torch.int32) & -16 | 8
    ordered, sums = prepare4(x)
    size_bytes = rows * columns // 2 + groups.numel() * 4
    return Matrix(lambda: gemv4(ordered, sums, words, groups, out, tile), size_bytes)


def _cublas(rows: int, columns: int) -> Matrix:
    x, _ = _vectors(rows, columns, torch.float16)
    weight = _random_half(rows, columns, torch.float16)
    return Matrix(lambda: functional.linear(x[None], weight), 2 * rows * columns)


def _tinygemm(rows: int, columns: int) -> Matrix:
    rows += -rows % 8  # it takes whole tiles of eight rows
    x, _ = _vectors(rows, columns, torch.bfloat16)
    packed = torch.ops.aten._convert_weight_to_int4pack(random_bytes(rows, columns // 2), 8)
    groups = torch.full((columns // 64, rows, 2), 1e-3, dtype=torch.bfloat16, device="cuda")
    size_bytes = rows * columns // 2 + groups.numel() * 2
    return Matrix(
        lambda: torch.ops.aten._weight_int4pack_mm(x[None], packed, 64, groups), size_bytes
    )


def _vectors(rows: int, columns: int, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    x = torch.randn(columns, dtype=dtype, device="cuda")
    return x, torch.empty(rows, dtype=dtype, device="cuda")


def _random_half(rows: int, columns: int, dtype: torch.dtype) -> Tensor:
    return torch.randn(rows, columns, dtype=dtype, device="cuda") * 0.02


if __name__ == "__main__":
    main()
