"""A second look at a model folder: whole, damaged, repaired."""

import json
import os
from pathlib import Path

import pytest

from tests.hub.conftest import Download, Recorder, contents
from tests.hub.modelscope_server import ModelScopeServer
from xverse_chat.checkpoint.record import damaged_files, read_record
from xverse_chat.errors import DataError, UnavailableError

SHARD = "model-00002-of-00003.safetensors"
SOURCE = "pytorch_model-00002-of-00003.bin"
SMALL = {
    "config.json",
    "generation_config.json",
    "special_tokens_map.json",
    "tokenizer_config.json",
    "tokenizer.json",
    "pytorch_model.bin.index.json",
}


def damage(path: Path, *, at: int = 2000, keep_time: bool = False) -> None:
    status = path.stat()
    content = bytearray(path.read_bytes())
    content[at % len(content)] ^= 0xFF
    path.write_bytes(content)
    if keep_time:
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


@pytest.fixture
def made(download: Download, server: ModelScopeServer, progress: Recorder) -> Path:
    folder = download()
    server.forget()
    progress.notes.clear()
    return folder


def test_verify_finds_what_sizes_and_times_hide_and_repairs_only_that(
    made: Path, download: Download, server: ModelScopeServer, reference: Path, progress: Recorder
) -> None:
    damage(made / SHARD, keep_time=True)
    assert download() == made
    assert server.requested_paths == [], "sizes and times tell nothing"
    download(verify=True)
    assert set(server.bodies) == {SOURCE, *SMALL}
    assert set(server.bodies.values()) == {1}
    assert contents(made) == contents(reference)
    assert damaged_files(made, read_record(made).files) == []
    assert any(SHARD in note for note in progress.notes)
    server.forget()
    download()
    assert server.requested_paths == []


def test_verify_of_a_whole_folder_needs_no_network(
    made: Path, download: Download, server: ModelScopeServer
) -> None:
    download(verify=True, endpoint="http://127.0.0.1:9")
    assert server.requested_paths == []


@pytest.mark.parametrize("gone", [SHARD, "tokenizer.json", "NOTICE.txt"])
def test_a_missing_file_comes_back_without_being_asked_for(
    made: Path, download: Download, server: ModelScopeServer, reference: Path, gone: str
) -> None:
    (made / gone).unlink()
    download()
    assert contents(made) == contents(reference)
    shards = {path for path in server.bodies if path.endswith(".bin")}
    assert shards == ({SOURCE} if gone == SHARD else set())


def test_a_lost_index_is_made_again_from_the_shards(
    made: Path, download: Download, server: ModelScopeServer, reference: Path
) -> None:
    """It names the same tensors; what the shards were made from is known to the index alone."""
    name = "model.safetensors.index.json"
    (made / name).unlink()
    download()
    new, old = (json.loads((folder / name).read_text()) for folder in (made, reference))
    assert new["weight_map"] == old["weight_map"]
    assert not [path for path in server.bodies if path.endswith(".bin")]


def test_a_damaged_folder_stays_where_it_is_while_nobody_can_help(
    made: Path, download: Download
) -> None:
    (made / SHARD).unlink()
    before = contents(made)
    with pytest.raises(UnavailableError):
        download(endpoint="http://127.0.0.1:9")
    assert contents(made) == before


def test_copied_files_are_hashed_once_and_then_known(
    made: Path, download: Download, server: ModelScopeServer, progress: Recorder
) -> None:
    for path in made.iterdir():
        os.utime(path)
    download(endpoint="http://127.0.0.1:9")
    record = read_record(made)
    assert all(file.looks_unchanged(made) for file in record.files)
    assert progress.stages[-1][1] == sum(file.size_bytes for file in record.files)


def test_a_damaged_record_is_data_and_verify_makes_the_folder_again(
    made: Path, download: Download, reference: Path
) -> None:
    (made / "xverse_chat.json").write_text("{")
    with pytest.raises(DataError, match="record") as caught:
        download()
    assert "--verify" in caught.value.hint
    download(verify=True)
    assert contents(made) == contents(reference)
    assert damaged_files(made, read_record(made).files) == []


def test_shards_are_not_mixed_when_the_server_has_other_weights_now(
    made: Path, download: Download, server: ModelScopeServer, tmp_path: Path
) -> None:
    from tests.hub.upstream_folder import build_upstream_folder

    other = build_upstream_folder(tmp_path / "other", seed=1)
    server.folder = other
    (made / SHARD).unlink()
    download()
    shards = sorted(path for path in server.bodies if path.endswith(".bin"))
    assert shards == sorted(path.name for path in other.glob("*.bin"))
