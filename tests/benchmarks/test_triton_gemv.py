"""The Triton kernels against float64, through Triton's interpreter; and compiled for a GPU."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="triton is made for Linux")

INTERPRET = """
import json, torch
from benchmarks.triton_kernels import Tile, gemv4, gemv8, gemv16, pack4, pack8, prepare4
from xverse_chat.engine.quant import dequantize, quantize_int4, quantize_int8

torch.manual_seed(0)
errors = {}
# 43 groups: a tail of columns, as in 11008 = 43 * 256; the rows fill no tile.
for rows, columns, dtype in (5, 2752, torch.float16), (6, 384, torch.bfloat16):
    gauss = torch.randn(rows, columns) * 0.02
    heavy = gauss / torch.rand(rows, columns).clamp_min(1e-3).sqrt()
    x = torch.randn(columns).to(dtype)
    for weights, matrix in (("gauss", gauss), ("heavy", heavy)):
        out = torch.empty(rows)
        half, int8, int4 = matrix.to(dtype), quantize_int8(matrix), quantize_int4(matrix)
        words8, words4, ordered = pack8(int8), pack4(int4), prepare4(x)
        kernels = (
            (16, half.double(), lambda: gemv16(x, half, out, Tile(2, 512, 4))),
            (8, dequantize(int8, torch.float64), lambda: gemv8(x, *words8, out, Tile(4, 128, 4))),
            (
                4,
                dequantize(int4, torch.float64),
                lambda: gemv4(*ordered, *words4, out, Tile(4, 32, 4)),
            ),
        )
        for bits, exact, launch in kernels:
            launch()
            # Against what the terms of a sum can add up to: float32 loses a part of that.
            size = exact.abs() @ x.double().abs()
            error = ((out - exact @ x.double()).abs() / size).max()
            errors[f"{bits} bits, {columns} columns, {weights}"] = float(error)
print(json.dumps(errors))
"""
COMPILE = """
import json, triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource
from benchmarks import triton_kernels
from benchmarks.triton_gemv import TILES

types = {"x_at": "*fp16", "sums_at": "*fp32", "scales_at": "*fp32", "weight_at": "*fp16",
         "words_at": "*i32", "groups_at": "*i32", "out_at": "*fp16", "rows": "i32"}
shared_bytes = {}
for bits, tiles in TILES.items():
    kernel = getattr(triton_kernels, f"gemv{bits}_kernel")
    names = kernel.arg_names
    sizes = {"K": 4096, "BLOCK_N": tiles[0].rows, "BLOCK": tiles[0].columns}
    signature = {name: types.get(name, "constexpr") for name in names}
    aligned = {(i,): [["tt.divisibility", 16]] for i, n in enumerate(names) if n.endswith("_at")}
    source = ASTSource(kernel, signature, {(names.index(n),): v for n, v in sizes.items()}, aligned)
    made = triton.compile(source, target=GPUTarget("cuda", 90, 32), options={"num_warps": 4})
    assert "ld.global" in made.asm["ptx"] and ".v4.b32" in made.asm["ptx"], "16 bytes at a time"
    shared_bytes[bits] = made.metadata.shared
print(json.dumps(shared_bytes))
"""


def run_program(program: str, **environment: str) -> dict[str, float]:
    # Interpreter or compiler: that is chosen when triton is imported, so in a process of its own.
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, **environment, "PYTHONPATH": f"{ROOT}:{ROOT / 'src'}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found: dict[str, float] = json.loads(done.stdout)
    return found


def test_kernels_agree_with_float64() -> None:
    errors = run_program(INTERPRET, TRITON_INTERPRET="1")
    assert len(errors) == 12
    assert max(errors.values()) < 1e-6, errors


def test_kernels_compile_for_hopper_and_move_nothing_through_shared_memory(tmp_path: Path) -> None:
    # What is left is the last sum over the warps: a few bytes.
    shared_bytes = run_program(COMPILE, TRITON_CACHE_DIR=str(tmp_path))
    assert len(shared_bytes) == 3
    assert max(shared_bytes.values()) <= 256, shared_bytes
