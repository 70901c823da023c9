"""C++ to machine code for this processor, by its own compiler, kept in the user's cache folder.

A second and a half, once. Where there is no compiler the model is computed without the kernels.
"""

import ctypes
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import torch

from xverse_chat.engine.machine_code import code_path, keep_code, read_code
from xverse_chat.engine.unavailable import KernelsUnavailableError
from xverse_chat.wording import Sentence, foreign, say, system_reason

KERNELS_FOLDER = Path(__file__).with_name("kernels")
_PROCESSORS = ("x86_64", "amd64")
_COMPILERS = ("g++", "clang++")
_OPTIONS = ("-std=c++17", "-O3", "-fopenmp", "-shared", "-fPIC", "-fvisibility=hidden")
# Some thirty times what it takes; nobody should wait longer for answers that come faster.
LIMIT_S = 45.0
_MOST_TOLD = 110


def load_library(processor: Sequence[str] = ("-march=native",)) -> ctypes.CDLL:
    """Return the compiled kernels, from the cache if they are there.

    ``processor`` are the options that tell the compiler what to compute with. Raises
    KernelsUnavailableError when there is no compiler, or none that can compile them.
    """
    if platform.machine().lower() not in _PROCESSORS:
        raise KernelsUnavailableError(say("the fast kernels are made for x86 processors only"))
    compiler = next(filter(None, map(shutil.which, _COMPILERS)), None)
    if compiler is None:
        raise KernelsUnavailableError(
            say("there is no C++ compiler to make the fast kernels with"),
            hint=_installation_hint(),
        )
    command = [compiler, *_OPTIONS, *processor]
    # All that the compiler knows of itself and of the processor: its predefined macros.
    macros = _run([*command, "-dM", "-E", "-x", "c++", os.devnull])
    sources = [path.read_text("utf-8") for path in sorted(KERNELS_FOLDER.iterdir())]
    path = code_path((command, macros, sources), ".so")
    _share_threads()
    if read_code(path) is not None:
        return _loaded(path)
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / path.name
        _run([*command, str(KERNELS_FOLDER / "kernels.cpp"), "-o", str(made)])
        if not made.exists():
            raise KernelsUnavailableError(
                say("the C++ compiler {compiler} made nothing", compiler=compiler)
            )
        return _loaded(path if keep_code(path, made.read_bytes()) else made)


def _loaded(path: Path) -> ctypes.CDLL:
    try:
        return ctypes.CDLL(str(path))
    except OSError as error:
        raise KernelsUnavailableError(
            say("the compiled kernels do not load: {reason}", reason=_short(str(error)))
        ) from error


def _share_threads() -> None:
    """Let the kernels use torch's threads, and as many of them as torch is told to.

    Some of torch's wheels bring OpenMP under a name of their own. What is global goes before what
    the kernels were linked with, so they do not start a second set of threads.
    """
    for path in Path(torch.__file__).parent.glob("lib/libgomp*"):
        ctypes.CDLL(str(path), mode=ctypes.RTLD_GLOBAL)


def _run(command: Sequence[str]) -> str:
    """Return what a command prints, or end it with all that it started when it takes too long."""
    try:
        with subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            env={**os.environ, "LC_ALL": "C"},  # "error" in English, to be found below
            start_new_session=True,
        ) as process:
            try:
                output, complaints = process.communicate(timeout=LIMIT_S)
            except BaseException:
                _end(process)
                raise
    except (OSError, subprocess.TimeoutExpired) as error:
        raise KernelsUnavailableError(
            say(
                "the C++ compiler {compiler} does not work: {reason}",
                compiler=command[0],
                reason=_cause(error),
            )
        ) from error
    if process.returncode != 0:
        raise KernelsUnavailableError(
            say(
                "the fast kernels do not compile here: {reason}",
                reason=_complaint(complaints, process.returncode),
            )
        )
    return output


def _end(process: "subprocess.Popen[str]") -> None:
    """End a compiler and what it started: the part that computes is a process of its own."""
    if sys.platform == "win32":
        process.kill()
    else:
        os.killpg(process.pid, signal.SIGKILL)


def _cause(error: OSError | subprocess.TimeoutExpired) -> Sentence:
    if isinstance(error, OSError):
        return system_reason(error)
    return say("it took more than {limit_s:.0f} s", limit_s=LIMIT_S)


def _complaint(complaints: str, exit_code: int) -> Sentence:
    """Return the line that says most of what a compiler wrote about its failure."""
    lines = complaints.strip().splitlines()
    if not lines:
        return say("it ended with {exit_code}", exit_code=exit_code)
    return _short(next((line for line in lines if "error" in line), lines[0]))


def _short(text: str) -> Sentence:
    return foreign(text if len(text) <= _MOST_TOLD else text[: _MOST_TOLD - 1] + "…")


def _installation_hint() -> Sentence:
    if sys.platform == "win32":
        return say("Inside WSL, with g++ installed there, they come faster.")
    return say("Install g++ (Debian, Ubuntu: apt install g++; Fedora: dnf install gcc-c++).")
