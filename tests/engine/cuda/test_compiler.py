import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
from transformers import LlamaConfig

from xverse_chat.engine.cuda.compiler import compile_program, load_or_compile, read_sources
from xverse_chat.engine.cuda.shape import Shape
from xverse_chat.engine.cuda.tuning import SHARED_LIMITS, choose_tuning
from xverse_chat.engine.unavailable import KernelsUnavailableError

OPTIONS = ["-DONE=1"]
CONFIG_7B = LlamaConfig(
    hidden_size=4096,
    intermediate_size=11008,
    num_hidden_layers=32,
    num_attention_heads=32,
    num_key_value_heads=32,
    vocab_size=100534,
)


class ScriptedNvrtc:
    """Compiles nothing, and counts how often it is asked to."""

    nvrtcResult = SimpleNamespace(NVRTC_SUCCESS=0)

    def __init__(self, version: tuple[int, ...] = (0, 13, 0)) -> None:
        self.version = version
        self.compiled = 0

    def nvrtcVersion(self) -> tuple[int, ...]:
        return self.version

    def nvrtcCreateProgram(self, *_: object) -> tuple[int, str]:
        return 0, "program"

    def nvrtcCompileProgram(self, *_: object) -> tuple[int]:
        self.compiled += 1
        return (0,)

    def nvrtcGetCUBINSize(self, _: str) -> tuple[int, int]:
        return 0, 4

    def nvrtcGetCUBIN(self, *_: object) -> tuple[int]:
        return (0,)

    def nvrtcDestroyProgram(self, _: str) -> None:
        pass


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache folder of its own."""
    folder = tmp_path / "kernels"
    monkeypatch.setattr("xverse_chat.engine.machine_code.kernel_cache_folder", lambda: folder)
    return folder


def put(nvrtc: object, monkeypatch: pytest.MonkeyPatch) -> None:
    bindings = ModuleType("cuda.bindings")
    bindings.nvrtc = nvrtc  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "cuda", ModuleType("cuda"))
    monkeypatch.setitem(sys.modules, "cuda.bindings", bindings)


def test_what_was_compiled_is_used_again_for_the_same_gpu_only(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nvrtc = ScriptedNvrtc()
    put(nvrtc, monkeypatch)
    for capability, compiled in (((9, 0), 1), ((9, 0), 1), ((8, 6), 2)):
        assert load_or_compile(capability, OPTIONS) == b"\0\0\0\0"
        assert nvrtc.compiled == compiled
    assert len(list(folder.iterdir())) == 2


def test_a_folder_that_cannot_be_written_costs_only_the_time(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.write_text("this is no folder", "utf-8")
    put(ScriptedNvrtc(), monkeypatch)
    assert load_or_compile((9, 0), OPTIONS) == b"\0\0\0\0"


def test_without_nvrtc_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cuda", None)
    monkeypatch.setitem(sys.modules, "cuda.bindings", None)
    with pytest.raises(KernelsUnavailableError, match=r"no compiler for them \(NVRTC\)"):
        load_or_compile((9, 0), OPTIONS)


def test_a_binding_without_its_library_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken(ScriptedNvrtc):
        def nvrtcVersion(self) -> tuple[int, ...]:
            raise RuntimeError("Failed to dlopen libnvrtc.so.13")

    put(Broken(), monkeypatch)
    with pytest.raises(KernelsUnavailableError, match="dlopen"):
        load_or_compile((9, 0), OPTIONS)
    put(ScriptedNvrtc(version=(7, 0, 0)), monkeypatch)
    with pytest.raises(KernelsUnavailableError, match="could not tell its version: 7"):
        load_or_compile((9, 0), OPTIONS)


@pytest.fixture
def nvrtc() -> None:
    """NVIDIA's own compiler. It needs no GPU."""
    binding = pytest.importorskip("cuda.bindings.nvrtc", reason="NVRTC's binding is not installed")
    try:
        binding.nvrtcVersion()
    except RuntimeError as error:
        pytest.skip(f"NVRTC is not installed: {error}")


def options_for(capability: tuple[int, int], bits: int) -> list[str]:
    head_bits = 16 if bits == 16 else 8
    shape = Shape.of(CONFIG_7B, bits=bits, head_bits=head_bits, is_bfloat16=bits == 16)
    tuning = choose_tuning(capability, 82, heads=shape.heads)
    architecture = "--gpu-architecture=sm_{}{}".format(*capability)
    return [architecture, "--std=c++17", *shape.defines(), *tuning.defines()]


@pytest.mark.usefixtures("nvrtc")
@pytest.mark.parametrize(
    ("capability", "bits"),
    [*((capability, 4) for capability in SHARED_LIMITS), ((8, 0), 8), ((12, 0), 8), ((8, 6), 16)],
)
def test_the_kernels_compile_for_every_gpu_that_is_known(
    capability: tuple[int, int], bits: int
) -> None:
    code = compile_program(read_sources(), options_for(capability, bits))
    assert code[:4] == b"\x7fELF"


@pytest.mark.usefixtures("nvrtc")
def test_what_the_compiler_refuses_is_told_in_one_line() -> None:
    sources = {**read_sources(), "kernels.cu": "int broken("}
    with pytest.raises(KernelsUnavailableError, match=r"kernels\.cu.*error") as caught:
        compile_program(sources, options_for((9, 0), 4))
    assert "\n" not in caught.value.message
