import os
import platform
import shutil
import stat
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import torch

from xverse_chat.engine.cpu import compiler
from xverse_chat.engine.cpu.compiler import load_library
from xverse_chat.engine.unavailable import KernelsUnavailableError


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache folder of its own."""
    return use_folder(tmp_path / "kernels", monkeypatch)


def use_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("xverse_chat.engine.machine_code.kernel_cache_folder", lambda: folder)
    return folder


def only_file(folder: Path) -> Path:
    (path,) = folder.iterdir()
    return path


def put_compiler(script: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a shell script the only g++ that is found."""
    tools = folder.with_name("tools")
    tools.mkdir()
    program = tools / "g++"
    program.write_text(f"#!/bin/sh\n{script}\n", "utf-8")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setattr(shutil, "which", lambda name: str(program) if name == "g++" else None)


def test_what_was_compiled_is_used_again(folder: Path) -> None:
    load_library()
    written = only_file(folder).stat().st_mtime_ns
    load_library()
    assert only_file(folder).stat().st_mtime_ns == written


def test_damaged_machine_code_is_compiled_anew(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cut off late, it would be loaded, and end the program in the middle of a word."""
    load_library()
    whole = only_file(folder).read_bytes()
    # Another folder, because the loader knows what it loaded by its path.
    other = use_folder(folder.with_name("other"), monkeypatch)
    other.mkdir()
    damaged = other / only_file(folder).name
    damaged.write_bytes(whole[: len(whole) // 2])
    assert load_library().norm is not None
    assert len(damaged.read_bytes()) == len(whole)


def test_a_processor_of_its_own_has_machine_code_of_its_own(folder: Path) -> None:
    load_library()
    load_library(["-mavx2", "-mfma", "-mf16c"])
    assert len(list(folder.iterdir())) == 2


def test_two_programs_at_once_end_with_one_whole_file(folder: Path, tmp_path: Path) -> None:
    code = "from xverse_chat.engine.cpu.compiler import load_library; load_library().norm"
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path)}
    programs = [subprocess.Popen([sys.executable, "-c", code], env=environment) for _ in range(2)]
    assert [program.wait(timeout=100) for program in programs] == [0, 0]
    kept = tmp_path / "xverse-chat" / "kernels"
    assert only_file(kept).read_bytes()[:4] == b"\x7fELF"


def test_a_folder_that_cannot_be_written_costs_only_the_time(folder: Path) -> None:
    folder.write_text("this is no folder", encoding="utf-8")
    assert load_library().norm is not None


def test_without_a_compiler_it_is_said_and_how_to_get_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(KernelsUnavailableError, match="no C\\+\\+ compiler") as caught:
        load_library()
    assert "apt install g++" in caught.value.note
    monkeypatch.setattr(sys, "platform", "win32")
    with pytest.raises(KernelsUnavailableError) as caught:
        load_library()
    assert "WSL" in caught.value.note


def test_another_kind_of_processor_is_told_before_anything_is_compiled(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "arm64")
    with pytest.raises(KernelsUnavailableError, match="x86 processors only") as caught:
        load_library()
    assert caught.value.hint == ""
    assert not folder.exists()


def test_a_processor_without_avx2_is_told(folder: Path) -> None:
    with pytest.raises(KernelsUnavailableError, match="need AVX2"):
        load_library(["-mno-avx2", "-mno-avx512f"])
    assert not folder.exists()


def test_an_option_that_the_compiler_refuses_is_told_in_one_short_line(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    with pytest.raises(KernelsUnavailableError, match=r"do not compile here: .*error") as caught:
        load_library(["-march=nothing"])
    assert "\n" not in caught.value.message
    assert len(caught.value.message) <= 160


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ("exit 3", "do not compile here: it ended with 3"),
        ("echo 'this is a stub' >&2; exit 1", "do not compile here: this is a stub"),
        ("printf 'error: %0900d' 1 >&2; exit 1", "do not compile here: error: 0000"),
    ],
)
def test_a_compiler_that_fails_is_told(
    script: str, told: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_compiler(script, folder, monkeypatch)
    with pytest.raises(KernelsUnavailableError) as caught:
        load_library()
    assert told in caught.value.message
    assert len(caught.value.message) <= 160


def test_a_compiler_that_makes_no_machine_code_is_told(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_compiler('for to; do :; done; [ "$to" = /dev/null ] || echo x > "$to"', folder, monkeypatch)
    with pytest.raises(KernelsUnavailableError, match="do not load"):
        load_library()


def test_a_compiler_that_makes_nothing_at_all_is_told(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_compiler("exit 0", folder, monkeypatch)
    with pytest.raises(KernelsUnavailableError, match="made nothing"):
        load_library()


def test_a_compiler_that_hangs_is_ended_with_all_that_it_started(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compiler, "LIMIT_S", 0.5)
    put_compiler("sleep 54.321 & wait", folder, monkeypatch)
    began = time.monotonic()
    with pytest.raises(KernelsUnavailableError, match="took more than"):
        load_library()
    assert time.monotonic() - began < 10
    assert not [
        p for p in psutil.process_iter(["cmdline"]) if "54.321" in (p.info["cmdline"] or [])
    ]


def test_a_compiler_that_cannot_be_started_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: "/nowhere/g++")
    with pytest.raises(KernelsUnavailableError, match="does not work"):
        load_library()


def test_the_kernels_have_the_threads_that_torch_is_told_to_have() -> None:
    library = load_library()
    before = torch.get_num_threads()
    try:
        for count in (2, 1):
            torch.set_num_threads(count)
            assert library.omp_get_max_threads() == count
    finally:
        torch.set_num_threads(before)
