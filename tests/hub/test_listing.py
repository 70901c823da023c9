from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.hub.conftest import Download
from tests.hub.modelscope_server import Entry, ModelScopeServer
from xverse_chat.errors import DataError, UnavailableError
from xverse_chat.hub.listing import ListedFile, check_listing, choose_files, path_fault

SHA = "ab" * 32
HOSTILE = [
    "../../outside.json",
    "/tmp/outside.json",
    "a/../../outside.json",
    "..",
    ".",
    "C:\\Windows\\x.bin",
    "C:x.bin",
    "\\\\host\\share\\x.bin",
    "a\\..\\x.bin",
    "a//b",
    "a/./b",
    "a/",
    "config.json\n",
    "x\x00y",
    "x\x1b[2Jy",
    "a\u202ebin.exe",
    "x" * 2000,
]


@pytest.mark.parametrize("path", HOSTILE)
def test_a_hostile_path_has_a_fault(path: str) -> None:
    assert path_fault(path)
    with pytest.raises(DataError):
        check_listing([(path, 10, SHA)])


@pytest.mark.parametrize("path", ["README.md", "图片/示例　1.png", ".gitattributes", "a b.txt"])
def test_an_ordinary_path_has_none(path: str) -> None:
    assert path_fault(path) is None


@given(st.text(max_size=60))
def test_a_path_without_a_fault_stays_inside(path: str) -> None:
    if path_fault(path) is None:
        folder = Path("/base/folder")
        joined = folder / path
        assert folder in joined.parents
        assert ".." not in joined.parts


@pytest.mark.parametrize(
    "entries",
    [
        [("a.json", 1, SHA), ("a.json", 1, SHA)],
        [("a.json", -1, SHA)],
        [("a.json", 2**60, SHA)],
        [("a.json", 1, "zz" * 32)],
        [("a.json", 1, "ab")],
    ],
)
def test_impossible_entries_are_refused(entries: list[tuple[str, int, str]]) -> None:
    with pytest.raises(DataError):
        check_listing(entries)


def test_upper_case_hashes_are_the_same_hashes() -> None:
    assert check_listing([("a", 1, SHA.upper())]) == (ListedFile("a", 1, SHA),)


def test_only_what_is_needed_is_chosen() -> None:
    names = [
        "config.json",
        "tokenizer.json",
        "tokenizer_config.json",
        "pytorch_model.bin.index.json",
        "pytorch_model-00002-of-00002.bin",
        "pytorch_model-00001-of-00002.bin",
        "modeling_xverse.py",
        "evil.bin",
        "sub/pytorch_model-00001-of-00002.bin",
        "MODEL_LICENSE.pdf",
        "README.md",
    ]
    wanted = choose_files([ListedFile(name, 10, SHA) for name in names], "a/b")
    assert [file.path for file in wanted.shards] == [
        "pytorch_model-00001-of-00002.bin",
        "pytorch_model-00002-of-00002.bin",
    ]
    assert {file.path for file in wanted.small} == {
        "config.json",
        "tokenizer.json",
        "tokenizer_config.json",
        "pytorch_model.bin.index.json",
        "MODEL_LICENSE.pdf",
    }


def test_safetensors_win_over_pickles() -> None:
    names = ["config.json", "tokenizer.json", "pytorch_model.bin", "model.safetensors"]
    wanted = choose_files([ListedFile(name, 10, SHA) for name in names], "a/b")
    assert [file.path for file in wanted.shards] == ["model.safetensors"]


@pytest.mark.parametrize("gone", ["config.json", "tokenizer.json", "pytorch_model.bin"])
def test_a_repository_without_a_model_is_unavailable(gone: str) -> None:
    names = {"config.json", "tokenizer.json", "pytorch_model.bin"} - {gone}
    with pytest.raises(UnavailableError, match="no model that this program can use"):
        choose_files([ListedFile(name, 10, SHA) for name in names], "a/b")


@pytest.mark.parametrize("size_bytes", [0, 2**30])
def test_a_config_of_impossible_size_is_refused(size_bytes: int) -> None:
    names = {"config.json": size_bytes, "tokenizer.json": 10, "pytorch_model.bin": 10}
    with pytest.raises(DataError, match="impossible size"):
        choose_files([ListedFile(name, size, SHA) for name, size in names.items()], "a/b")


@pytest.mark.parametrize(
    "path", ["../../../outside.bin", "/{root}/outside.bin", "pytorch_model\x1b[31m.bin"]
)
@pytest.mark.parametrize("kind", ["blob", "tree"])
def test_a_hostile_listing_stops_before_anything_is_asked_or_written(
    download: Download,
    server: ModelScopeServer,
    tmp_path: Path,
    target: Path,
    path: str,
    kind: str,
) -> None:
    hostile = path.format(root=tmp_path)

    def edit(entries: list[Entry]) -> list[Entry]:
        return [
            *entries,
            {"Name": "x", "Path": hostile, "Type": kind, "Size": 10, "Sha256": SHA},
        ]

    server.edit_listing = edit
    before = {path for path in tmp_path.rglob("*") if "cache" not in path.parts}
    with pytest.raises(DataError, match="refused"):
        download()
    assert server.body_count == 0
    assert {path for path in tmp_path.rglob("*") if "cache" not in path.parts} == before
    assert [path.name for path in target.parent.iterdir()] == [f".{target.name}.lock"]


@pytest.mark.parametrize(
    "data",
    [
        [{"Path": 5, "Size": "x"}],
        [{"Path": None}],
        ["text"],
        [None],
        {"Files": 5},
    ],
)
def test_a_listing_that_is_none_is_no_crash(
    download: Download, server: ModelScopeServer, data: Any
) -> None:
    server.edit_listing = lambda entries: data
    with pytest.raises((UnavailableError, DataError)):
        download()
    assert server.body_count == 0


@pytest.mark.parametrize("status", [500, 502, 429, 403, 404])
def test_a_server_that_fails_to_list_is_unavailable(
    download: Download, server: ModelScopeServer, status: int
) -> None:
    server.listing_status = status
    with pytest.raises(UnavailableError):
        download()
