"""The CUDA kernels built for the CPU by a C++ compiler: every thread a coroutine.

Slow, exact about what threads exchange, and without a GPU. ``cpu_intrinsics.cuh`` is the machine.
"""

import ctypes
import hashlib
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from xverse_chat.engine.cuda.arguments import Argument, ArgumentArray
from xverse_chat.engine.cuda.compiler import KERNELS_FOLDER
from xverse_chat.engine.cuda.shape import Shape
from xverse_chat.engine.cuda.tuning import Tuning

COMPILER = shutil.which("g++") or shutil.which("c++") or shutil.which("clang++")


class Emulator:
    """A ``Launcher`` that computes on the CPU, on CPU tensors."""

    def __init__(self, library: ctypes.CDLL) -> None:
        self._library = library

    def launch(
        self,
        kernel: str,
        *,
        blocks: int,
        threads: int,
        arguments: Sequence[Argument],
        shared_bytes: int = 0,
        together: bool = False,
    ) -> None:
        array = ArgumentArray(arguments)
        code = self._library.launch_by_name(
            kernel.encode(), blocks, threads, shared_bytes, together, ctypes.c_void_p(array.address)
        )
        assert code == 0, f"there is no kernel {kernel}"

    def constant(self, name: str) -> int:
        return ctypes.c_int.in_dll(self._library, name).value


def build_emulator(shape: Shape, tuning: Tuning, folder: Path) -> Emulator:
    """Compile all kernels for ``shape`` into ``folder``, or take what is there already."""
    text = (KERNELS_FOLDER / "kernels.cu").read_text("utf-8")
    names = re.findall(r"^KERNEL(?:_ALONE)?\(\w+\) (\w+)\(", text, re.MULTILINE)
    if shape.bits < 16:
        names += re.findall(r"^UNPACK\((\w+)", text, re.MULTILINE)
    return _build("kernels.cu", names, [*shape.defines(), *tuning.defines()], folder)


def build_products(shape: Shape, tuning: Tuning, folder: Path) -> Emulator:
    """Compile ``product_alone``, for matrices as wide as ``shape.intermediate``."""
    options = [*shape.defines(), *tuning.defines()]
    return _build("product_alone.cuh", ["product_alone"], options, folder)


def _build(source: str, names: Sequence[str], options: Sequence[str], folder: Path) -> Emulator:
    assert COMPILER is not None
    paths = [*KERNELS_FOLDER.glob("*.cu*"), Path(__file__).with_name("product_alone.cuh")]
    sources = {path.name: path.read_text("utf-8") for path in sorted(paths)}
    sources["intrinsics.cuh"] = Path(__file__).with_name("cpu_intrinsics.cuh").read_text("utf-8")
    table = "".join(
        f'  if (!strcmp(name, "{name}")) return launch({name}, settings, arguments), 0;\n'
        for name in names
    )
    sources["emulator.cpp"] = (
        f'#include "{source}"\n'
        'extern "C" int launch_by_name(const char* name, int blocks, int threads, '
        "int shared_bytes, bool together, void** arguments) {\n"
        "  const Launch settings = {blocks, threads, shared_bytes, together};\n"
        + table
        + "  return 1;\n}\n"
    )
    key = hashlib.sha256(repr((sorted(sources.items()), options)).encode()).hexdigest()[:16]
    library = folder / f"kernels-{key}.so"
    if not library.exists():
        place = folder / key
        place.mkdir(parents=True, exist_ok=True)
        for name, text in sources.items():
            (place / name).write_text(text, "utf-8")
        built = place / "built.so"
        flags = ["-O2", "-march=native", "-std=c++17", "-shared", "-fPIC", "-Wl,-Bsymbolic", "-w"]
        command = [COMPILER, *flags, *options, "-o", str(built), str(place / "emulator.cpp")]
        subprocess.run(command, check=True)
        built.rename(library)
    return Emulator(ctypes.CDLL(str(library)))
