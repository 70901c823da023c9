"""What ModelScope's own tools left is used, verified, and left as it was."""

import shutil
from pathlib import Path

import pytest

from tests.hub.conftest import Download, Recorder, contents
from tests.hub.modelscope_server import ModelScopeServer
from xverse_chat.errors import UnavailableError

LAYOUTS = [
    "models/xverse--XVERSE-7B-Chat/snapshots/master",
    "models/xverse/XVERSE-7B-Chat",
    "hub/models/xverse/XVERSE-7B-Chat",
    "xverse/XVERSE-7B-Chat",
    "hub/xverse/XVERSE-7B-Chat",
]


def lay(pristine: Path, cache: Path, layout: str) -> Path:
    return Path(shutil.copytree(pristine, cache / layout))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_an_earlier_download_is_found_and_converted(
    download: Download,
    server: ModelScopeServer,
    pristine: Path,
    cache: Path,
    reference: Path,
    progress: Recorder,
    layout: str,
) -> None:
    earlier = lay(pristine, cache, layout)
    before = contents(earlier)
    assert contents(download()) == contents(reference)
    assert server.body_count == 0
    assert server.listings == 1
    assert contents(earlier) == before
    assert any(str(earlier) in note for note in progress.notes)


def test_dots_in_a_name_were_underscores_once(
    download: Download, server: ModelScopeServer, pristine: Path, cache: Path
) -> None:
    server.model_id = "xverse/XVERSE-7B-Chat-1.5"
    lay(pristine, cache, "hub/models/xverse/XVERSE-7B-Chat-1___5")
    assert download(server.model_id).name == "xverse--XVERSE-7B-Chat-1.5"
    assert server.body_count == 0


def test_what_differs_from_the_listing_is_downloaded_instead(
    download: Download, server: ModelScopeServer, pristine: Path, cache: Path, reference: Path
) -> None:
    earlier = lay(pristine, cache, LAYOUTS[1])
    shard = earlier / "pytorch_model-00001-of-00003.bin"
    content = bytearray(shard.read_bytes())
    content[5000] ^= 1
    shard.write_bytes(content)
    (earlier / "tokenizer.json").unlink()
    before = contents(earlier)
    assert contents(download()) == contents(reference)
    assert set(server.bodies) == {shard.name, "tokenizer.json"}
    assert contents(earlier) == before


def test_without_a_server_a_whole_earlier_folder_is_converted(
    download: Download, pristine: Path, cache: Path, reference: Path, progress: Recorder
) -> None:
    lay(pristine, cache, LAYOUTS[0])
    assert contents(download(endpoint="http://127.0.0.1:9")) == contents(reference)
    assert any("cannot be asked" in note for note in progress.notes)


@pytest.mark.parametrize("gone", ["pytorch_model-00001-of-00003.bin", "config.json"])
def test_without_a_server_half_a_folder_is_not_enough(
    download: Download, pristine: Path, cache: Path, target: Path, gone: str
) -> None:
    (lay(pristine, cache, LAYOUTS[0]) / gone).unlink()
    with pytest.raises(UnavailableError, match="cannot be reached"):
        download(endpoint="http://127.0.0.1:9")
    assert not target.exists()


def test_keeping_the_original_never_takes_the_earlier_folder_away(
    download: Download, pristine: Path, cache: Path, target: Path
) -> None:
    earlier = lay(pristine, cache, LAYOUTS[0])
    download(keep_original=True)
    assert contents(earlier) == contents(pristine)
    kept = target.parent / f"{target.name}-original"
    for path in kept.iterdir():
        assert path.read_bytes() == (pristine / path.name).read_bytes()
