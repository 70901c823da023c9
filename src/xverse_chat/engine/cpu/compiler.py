"""C++ to machine code for this processor, by its own compiler, kept in the user's cache folder.

A second and a half, once. Where there is no compiler the model is computed without the kernels.
"""

import ctypes
import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import torch

from xverse_chat.config import kernel_cache_folder
from xverse_chat.errors import EngineError
from xverse_chat.wording import say

KERNELS_FOLDER = Path(__file__).with_name("kernels")
_COMPILERS = ("g++", "clang++")
_OPTIONS = ("-std=c++17", "-O3", "-fopenmp", "-shared", "-fPIC", "-fvisibility=hidden")
_LIMIT_S = 120.0


class NoKernelsError(EngineError):
    """The kernels cannot be used here; the plain way can."""


def load_library(processor: Sequence[str] = ("-march=native",)) -> ctypes.CDLL:
    """Return the compiled kernels, from the cache if they are there.

    ``processor`` are the options that tell the compiler what to compute with. Raises
    NoKernelsError when there is no compiler, or none that can compile them.
    """
    compiler = next(filter(None, map(shutil.which, _COMPILERS)), None)
    if compiler is None:
        raise NoKernelsError(say("There is no C++ compiler."))
    command = [compiler, *_OPTIONS, *processor]
    # All that the compiler knows of itself and of the processor: its predefined macros.
    macros = _run([*command, "-dM", "-E", "-x", "c++", os.devnull])
    sources = [path.read_text("utf-8") for path in sorted(KERNELS_FOLDER.iterdir())]
    key = hashlib.sha256(repr((command, macros, sources)).encode()).hexdigest()[:32]
    path = kernel_cache_folder() / f"{key}.so"
    _share_threads()
    try:
        return ctypes.CDLL(str(path))
    except OSError:  # not there, or damaged
        pass
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        folder = tempfile.TemporaryDirectory(dir=path.parent)
    except OSError:  # no room to keep it
        folder = tempfile.TemporaryDirectory()
    with folder:
        made = Path(folder.name) / path.name
        _run([*command, str(KERNELS_FOLDER / "kernels.cpp"), "-o", str(made)])
        try:
            return ctypes.CDLL(str(_kept(made, path)))
        except OSError as error:
            raise NoKernelsError(
                say("The compiled kernels cannot be loaded: {reason}.", reason=error)
            ) from error


def _share_threads() -> None:
    """Let the kernels use torch's threads, and as many of them as torch is told to.

    Some of torch's wheels bring OpenMP under a name of their own. What is global goes before what
    the kernels were linked with, so they do not start a second set of threads.
    """
    for path in Path(torch.__file__).parent.glob("lib/libgomp*"):
        ctypes.CDLL(str(path), mode=ctypes.RTLD_GLOBAL)


def _kept(made: Path, path: Path) -> Path:
    """Move what was made to its place, where that can be, and return where it is."""
    try:
        return made.replace(path)
    except OSError:
        return made


def _run(command: Sequence[str]) -> str:
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=_LIMIT_S
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NoKernelsError(say("The C++ compiler failed: {reason}.", reason=error)) from error
    if done.returncode != 0:
        errors = [line for line in done.stderr.splitlines() if "error" in line]
        reason = " ".join(errors[:1])
        raise NoKernelsError(say("The kernels do not compile: {reason}", reason=reason))
    return done.stdout
