from pathlib import Path

import pytest

from xverse_chat.engine import machine_code
from xverse_chat.engine.machine_code import code_path, keep_code, read_code

CODE = bytes(range(256)) * 40


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "kernels" / "abc.so"


def test_what_was_kept_is_read(path: Path) -> None:
    assert read_code(path) is None
    assert keep_code(path, CODE)
    assert read_code(path) == CODE
    assert keep_code(path, CODE[:1])
    assert read_code(path) == CODE[:1]
    assert [file.name for file in path.parent.iterdir()] == ["abc.so"]


@pytest.mark.parametrize("kept_bytes", [0, 31, 32, 5000, -1])
def test_a_file_that_was_cut_off_is_none(kept_bytes: int, path: Path) -> None:
    keep_code(path, CODE)
    path.write_bytes(path.read_bytes()[:kept_bytes])
    assert read_code(path) is None


def test_a_changed_bit_is_noticed(path: Path) -> None:
    keep_code(path, CODE)
    data = bytearray(path.read_bytes())
    data[100] ^= 1
    path.write_bytes(data)
    assert read_code(path) is None


def test_where_nothing_can_be_written_it_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("this is no folder", "utf-8")
    assert not keep_code(tmp_path / "file" / "abc.so", CODE)


def test_a_write_that_fails_leaves_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(old: Path, new: Path) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(Path, "replace", fail)
    assert not keep_code(path, CODE)
    assert list(path.parent.iterdir()) == []


def test_other_sources_and_options_have_other_places(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine_code, "kernel_cache_folder", lambda: Path("cache"))
    keys = [("source", ["-O3"]), ("source", ["-O2"]), ("other", ["-O3"])]
    places = {code_path(key, ".so") for key in keys}
    assert len(places) == 3
    assert code_path(keys[0], ".so") in places
