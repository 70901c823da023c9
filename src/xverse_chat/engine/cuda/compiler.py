"""CUDA C++ to machine code at run time, by NVRTC, kept in the user's cache folder.

No nvcc and no header of CUDA's is needed: torch's CUDA builds bring NVRTC and its Python binding.
"""

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

from xverse_chat.config import kernel_cache_folder
from xverse_chat.errors import EngineError
from xverse_chat.wording import Sentence, say

KERNELS_FOLDER = Path(__file__).with_name("kernels")


class KernelsUnavailableError(EngineError):
    """The kernels cannot be used here; the plain path can."""


def load_or_compile(capability: tuple[int, int], defines: Sequence[str]) -> bytes:
    """Return machine code (cubin) for a GPU of compute ``capability``, from the cache if there.

    Raises KernelsUnavailableError when there is no compiler, or when it refuses.
    """
    sources = read_sources()
    options = [f"--gpu-architecture=sm_{capability[0]}{capability[1]}", "--std=c++17", *defines]
    version = _nvrtc_version()
    key = hashlib.sha256(repr((sources, options, version)).encode()).hexdigest()[:32]
    path = kernel_cache_folder() / f"{key}.cubin"
    try:
        return path.read_bytes()
    except OSError:
        code = compile_program(sources, options)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(f".{os.getpid()}")
        partial.write_bytes(code)
        partial.replace(path)
    except OSError:
        pass  # compiled again next time; a full disk is no reason not to answer
    return code


def read_sources() -> dict[str, str]:
    """Return the text of every kernel file by its name."""
    return {path.name: path.read_text("utf-8") for path in sorted(KERNELS_FOLDER.glob("*.cu*"))}


def compile_program(sources: dict[str, str], options: Sequence[str]) -> bytes:
    """Compile ``kernels.cu``, the rest being its headers. Raises KernelsUnavailableError."""
    from cuda.bindings import nvrtc

    headers = {name: text for name, text in sources.items() if name != "kernels.cu"}
    status, program = nvrtc.nvrtcCreateProgram(
        sources["kernels.cu"].encode(),
        b"kernels.cu",
        len(headers),
        [text.encode() for text in headers.values()],
        [name.encode() for name in headers],
    )
    _check(status, say("create a program"))
    try:
        status = nvrtc.nvrtcCompileProgram(
            program, len(options), [option.encode() for option in options]
        )[0]
        if status != nvrtc.nvrtcResult.NVRTC_SUCCESS:
            raise KernelsUnavailableError(
                say("the kernels do not compile: {reason}", reason=_log(program))
            )
        status, size_bytes = nvrtc.nvrtcGetCUBINSize(program)
        _check(status, say("measure the machine code"))
        code: bytes = b"\0" * size_bytes
        _check(nvrtc.nvrtcGetCUBIN(program, code)[0], say("read the machine code"))
        return code
    finally:
        nvrtc.nvrtcDestroyProgram(program)


def _nvrtc_version() -> tuple[int, int]:
    try:
        from cuda.bindings import nvrtc

        status, major, minor = nvrtc.nvrtcVersion()
    except Exception as error:  # the binding raises RuntimeError, ImportError or its own
        raise KernelsUnavailableError(
            say("there is no compiler for them (NVRTC): {reason}", reason=error)
        ) from error
    _check(status, say("tell its version"))
    return int(major), int(minor)


def _log(program: object) -> str:
    from cuda.bindings import nvrtc

    _, size_bytes = nvrtc.nvrtcGetProgramLogSize(program)
    log = b" " * size_bytes
    nvrtc.nvrtcGetProgramLog(program, log)
    text: str = log.decode(errors="replace")
    return text.strip("\0 \n")[:2000]


def _check(status: object, work: Sentence) -> None:
    if int(status) != 0:  # type: ignore[call-overload]
        raise KernelsUnavailableError(
            say("their compiler (NVRTC) could not {work}: {status}", work=work, status=status)
        )
