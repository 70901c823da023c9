import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xverse_chat.checkpoint.record import (
    FileRecord,
    ModelFolderRecord,
    damaged_files,
    has_record,
    read_record,
    sha256_of,
)
from xverse_chat.errors import DataError

EMPTY_SHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "a.bin").write_bytes(b"weights")
    (tmp_path / "b.json").write_bytes(b"{}")
    return tmp_path


def record_of(folder: Path) -> ModelFolderRecord:
    names = ("a.bin", "b.json")
    files = tuple(FileRecord.of(folder, name, sha256_of(folder / name)) for name in names)
    return ModelFolderRecord("xverse/模型", "master", "0.1.0", "int4", "a licence", files)


def test_a_record_reads_back_as_it_was_written(folder: Path) -> None:
    assert not has_record(folder)
    record_of(folder).write(folder)
    assert has_record(folder)
    assert read_record(folder) == record_of(folder)
    assert sorted(path.name for path in folder.iterdir()) == ["a.bin", "b.json", "xverse_chat.json"]


def test_hashes_are_those_of_the_standard_and_told_block_by_block(tmp_path: Path) -> None:
    path = tmp_path / "large"
    path.touch()
    assert sha256_of(path) == EMPTY_SHA256
    path.write_bytes(bytes(9 * 2**20))
    told: list[int] = []
    sha256_of(path, told.append)
    assert len(told) > 1
    assert sum(told) == 9 * 2**20


def test_what_is_damaged_or_gone_is_named(folder: Path) -> None:
    record = record_of(folder)
    assert damaged_files(folder, record.files) == []
    (folder / "a.bin").write_bytes(b"wEights")
    (folder / "b.json").unlink()
    assert damaged_files(folder, record.files) == ["a.bin", "b.json"]


def test_a_file_looks_changed_by_size_or_time_alone(folder: Path) -> None:
    file = record_of(folder).files[0]
    assert file.looks_unchanged(folder)
    os.utime(folder / "a.bin", ns=(0, file.modified_ns + 1))
    assert not file.looks_unchanged(folder)
    os.utime(folder / "a.bin", ns=(0, file.modified_ns))
    assert file.looks_unchanged(folder)
    (folder / "a.bin").write_bytes(b"more weights")
    os.utime(folder / "a.bin", ns=(0, file.modified_ns))
    assert not file.looks_unchanged(folder)


@pytest.mark.parametrize("path", ["", "/etc/passwd", "../x", "a/../../x", "a\\b"])
def test_a_path_out_of_the_folder_is_refused(path: str, folder: Path) -> None:
    record_of(folder).write(folder)
    data = json.loads((folder / "xverse_chat.json").read_text(encoding="utf-8"))
    data["files"][0]["path"] = path
    (folder / "xverse_chat.json").write_text(json.dumps(data), encoding="utf-8")
    with pytest.raises(DataError, match=r"xverse_chat\.json is damaged"):
        read_record(folder)


@pytest.mark.parametrize(
    ("key", "value"),
    [("format", 2), ("quantization", "int3"), ("files", None), ("files", [{}]), ("files", [1])],
)
def test_a_field_that_cannot_be_is_refused(key: str, value: Any, folder: Path) -> None:
    record_of(folder).write(folder)
    data = json.loads((folder / "xverse_chat.json").read_text(encoding="utf-8"))
    (folder / "xverse_chat.json").write_text(json.dumps({**data, key: value}), encoding="utf-8")
    with pytest.raises(DataError, match=r"xverse_chat\.json is damaged"):
        read_record(folder)


@given(content=st.binary(max_size=200))
def test_whatever_lies_there_is_a_record_or_an_error_of_ours(
    content: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("any")
    (folder / "xverse_chat.json").write_bytes(content)
    with pytest.raises(DataError):
        read_record(folder)


def test_a_folder_without_a_record_is_no_model_folder(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is no model folder"):
        read_record(tmp_path)
