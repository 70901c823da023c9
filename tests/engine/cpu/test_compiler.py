import shutil
from pathlib import Path

import pytest
import torch

from xverse_chat.engine.cpu.compiler import NoKernelsError, load_library


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache folder of its own."""
    folder = tmp_path / "kernels"
    monkeypatch.setattr("xverse_chat.engine.cpu.compiler.kernel_cache_folder", lambda: folder)
    return folder


def only_file(folder: Path) -> Path:
    (path,) = folder.iterdir()
    return path


def test_what_was_compiled_is_used_again(folder: Path) -> None:
    load_library()
    written = only_file(folder).stat().st_mtime_ns
    load_library()
    assert only_file(folder).stat().st_mtime_ns == written


def test_damaged_machine_code_is_compiled_anew(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load_library()
    # Another folder, because the loader knows what it loaded by its path.
    other = folder.with_name("other")
    other.mkdir()
    damaged = other / only_file(folder).name
    damaged.write_bytes(b"no machine code")
    monkeypatch.setattr("xverse_chat.engine.cpu.compiler.kernel_cache_folder", lambda: other)
    assert load_library().norm is not None
    assert damaged.read_bytes()[:4] == b"\x7fELF"


def test_a_processor_of_its_own_has_machine_code_of_its_own(folder: Path) -> None:
    load_library()
    load_library(["-mavx2", "-mfma", "-mf16c"])
    assert len(list(folder.iterdir())) == 2


def test_a_folder_that_cannot_be_written_costs_only_the_time(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.write_text("this is no folder", encoding="utf-8")
    assert load_library().norm is not None


def test_without_a_compiler_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(NoKernelsError, match="no C\\+\\+ compiler"):
        load_library()


def test_a_processor_without_avx2_is_told(folder: Path) -> None:
    with pytest.raises(NoKernelsError, match="need AVX2"):
        load_library(["-mno-avx2", "-mno-avx512f"])
    assert list(folder.iterdir()) == []


def test_an_option_that_the_compiler_refuses_is_told() -> None:
    with pytest.raises(NoKernelsError, match="do not compile"):
        load_library(["-march=nothing"])


def test_the_kernels_have_the_threads_that_torch_is_told_to_have() -> None:
    library = load_library()
    before = torch.get_num_threads()
    try:
        for count in (2, 1):
            torch.set_num_threads(count)
            assert library.omp_get_max_threads() == count
    finally:
        torch.set_num_threads(before)
