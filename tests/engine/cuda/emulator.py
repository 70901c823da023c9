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

COMPILER = shutil.which("g++") or shutil.which("c++") or shutil.which("clang++")


class Emulator:
    """A ``Launcher`` that computes on the CPU, on CPU tensors."""

    def __init__(self, library: ctypes.CDLL) -> None:
        self._library = library

    def launch(
        self,
        kernel: str,
        *,
        grid: tuple[int, int],
        threads: int,
        arguments: Sequence[Argument],
        overlaps: bool = False,
    ) -> None:
        array = ArgumentArray(arguments)
        code = self._library.launch_by_name(
            kernel.encode(), grid[0], grid[1], threads, ctypes.c_void_p(array.address)
        )
        assert code == 0, f"there is no kernel {kernel}"


def build_emulator(shape: Shape, folder: Path, *, teams: int = 1) -> Emulator:
    """Compile the kernels for ``shape`` into ``folder``, or take what is there already."""
    assert COMPILER is not None
    sources = {path.name: path.read_text("utf-8") for path in sorted(KERNELS_FOLDER.glob("*.cu*"))}
    sources["intrinsics.cuh"] = Path(__file__).with_name("cpu_intrinsics.cuh").read_text("utf-8")
    names = re.findall(
        r"^KERNEL(?:_SHARING)?\([^)]*\)\s*(\w+)", sources["kernels.cu"], re.MULTILINE
    )
    table = "".join(
        f'  if (!strcmp(name, "{name}")) return launch({name}, x, y, threads, arguments), 0;\n'
        for name in names
    )
    sources["emulator.cpp"] = (
        '#include "kernels.cu"\n'
        'extern "C" int launch_by_name(const char* name, int x, int y, int threads, '
        "void** arguments) {\n" + table + "  return 1;\n}\n"
    )
    options = shape.defines(teams=teams, blocks=1)
    key = hashlib.sha256(repr((sorted(sources.items()), options)).encode()).hexdigest()[:16]
    library = folder / f"kernels-{key}.so"
    if not library.exists():
        place = folder / key
        place.mkdir(parents=True, exist_ok=True)
        for name, text in sources.items():
            (place / name).write_text(text, "utf-8")
        built = place / "built.so"
        flags = ["-O2", "-march=native", "-std=c++17", "-shared", "-fPIC", "-w", *options]
        subprocess.run(
            [COMPILER, *flags, "-o", str(built), str(place / "emulator.cpp")], check=True
        )
        built.rename(library)
    return Emulator(ctypes.CDLL(str(library)))
