import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from xverse_chat.checkpoint.record import FileRecord, ModelFolderRecord, sha256_of
from xverse_chat.engine.folders import inspect_folder, verify_changed_files
from xverse_chat.engine.tokenizer import load_tokenizer
from xverse_chat.errors import DataError, UnavailableError
from xverse_chat.progress import NoProgress


@pytest.fixture
def folder(upstream: Path, tmp_path: Path) -> Path:
    """A folder with a record of all its files."""
    folder = shutil.copytree(upstream, tmp_path / "copy")
    names = sorted(path.name for path in folder.iterdir() if path.suffix in (".json", ".bin"))
    files = tuple(FileRecord.of(folder, name, sha256_of(folder / name)) for name in names)
    ModelFolderRecord("x/y", "master", "0", None, "none", files).write(folder)
    return folder


def test_a_folder_is_described_without_torch(folder: Path) -> None:
    program = (
        "import sys; from pathlib import Path; "
        "from xverse_chat.engine.folders import inspect_folder; "
        f"files = inspect_folder(Path({str(folder)!r})); "
        "assert files.config['hidden_size'] == 128; assert files.record; "
        "assert not {'torch', 'transformers'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def test_an_unknown_folder_is_not_available(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError):
        inspect_folder(tmp_path / "nothing")


@pytest.mark.parametrize(
    "name",
    ["config.json", "generation_config.json", "tokenizer.json", "pytorch_model-00002-of-00003.bin"],
)
def test_a_missing_file_is_named(name: str, folder: Path) -> None:
    (folder / name).unlink()
    with pytest.raises(DataError, match=name):
        inspect_folder(folder)


def test_a_file_of_another_size_is_named_without_reading_it(folder: Path) -> None:
    with (folder / "pytorch_model-00002-of-00003.bin").open("ab") as file:
        file.write(b"x")
    with pytest.raises(DataError, match=r"00002-of-00003\.bin has"):
        inspect_folder(folder)


def test_a_changed_byte_is_found_by_its_hash(folder: Path) -> None:
    path = folder / "pytorch_model-00002-of-00003.bin"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"00002-of-00003\.bin is not what was downloaded"):
        verify_changed_files(inspect_folder(folder), NoProgress())


def test_a_file_with_another_time_is_hashed_and_used(folder: Path) -> None:
    os.utime(folder / "pytorch_model-00002-of-00003.bin", (1, 1))
    verify_changed_files(inspect_folder(folder), NoProgress())


def test_a_shard_that_the_record_does_not_know_is_refused(folder: Path) -> None:
    shutil.copy(folder / "pytorch_model-00002-of-00003.bin", folder / "extra.bin")
    path = folder / "pytorch_model.bin.index.json"
    index = json.loads(path.read_text(encoding="utf-8"))
    index["weight_map"]["model.norm.weight"] = "extra.bin"
    path.write_text(json.dumps(index), encoding="utf-8")
    with pytest.raises(DataError, match=r"extra\.bin is not among"):
        inspect_folder(folder)


def test_a_damaged_record_is_refused(folder: Path) -> None:
    (folder / "xverse_chat.json").write_text("{}", encoding="utf-8")
    with pytest.raises(DataError, match=r"xverse_chat\.json is damaged"):
        inspect_folder(folder)


def test_upstreams_folder_without_a_generation_config_has_our_defaults(
    upstream: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(upstream, tmp_path / "copy")
    (folder / "generation_config.json").unlink()
    files = inspect_folder(folder)
    assert (files.generation["eos_token_id"], files.generation["do_sample"]) == (3, False)
    assert load_tokenizer(folder).eos_token_id == 3
