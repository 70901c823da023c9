"""CUDA C++ to machine code at run time, by NVRTC, kept in the user's cache folder.

No nvcc and no header of CUDA's is needed: torch's CUDA builds bring NVRTC and its Python binding.
"""

from collections.abc import Sequence
from pathlib import Path

from xverse_chat.engine.machine_code import code_path, keep_code, read_code
from xverse_chat.engine.unavailable import KernelsUnavailableError
from xverse_chat.wording import Sentence, say

KERNELS_FOLDER = Path(__file__).with_name("kernels")
_MOST_TOLD = 160


def load_or_compile(capability: tuple[int, int], defines: Sequence[str]) -> bytes:
    """Return machine code (cubin) for a GPU of compute ``capability``, from the cache if there.

    Raises KernelsUnavailableError when there is no compiler, or when it refuses.
    """
    sources = read_sources()
    options = [f"--gpu-architecture=sm_{capability[0]}{capability[1]}", "--std=c++17", *defines]
    path = code_path((sources, options, _nvrtc_version()), ".cubin")
    code = read_code(path)
    if code is None:
        code = compile_program(sources, options)
        keep_code(path, code)
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
    """Return the line that says most of what the compiler wrote about its failure."""
    from cuda.bindings import nvrtc

    _, size_bytes = nvrtc.nvrtcGetProgramLogSize(program)
    log = b" " * size_bytes
    nvrtc.nvrtcGetProgramLog(program, log)
    lines: list[str] = log.decode(errors="replace").strip("\0 \n").splitlines() or [""]
    return next((line for line in lines if "error" in line), lines[0])[:_MOST_TOLD]


def _check(status: object, work: Sentence) -> None:
    if int(status) != 0:  # type: ignore[call-overload]
        raise KernelsUnavailableError(
            say("their compiler (NVRTC) could not {work}: {status}", work=work, status=status)
        )
