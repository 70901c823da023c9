import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.hub.conftest import Download, contents
from tests.hub.modelscope_server import Fault, ModelScopeServer
from xverse_chat.errors import DiskError, TransferError
from xverse_chat.hub.space import MARGIN_BYTES, ShardSpace, needed_bytes, size_text


class Usage(NamedTuple):
    total: int
    used: int
    free: int


def test_a_fresh_download_needs_one_copy_and_one_shard() -> None:
    shards = [ShardSpace(10, True)] * 8
    assert needed_bytes(80, shards) == 90


def test_keeping_the_original_needs_two_copies() -> None:
    assert needed_bytes(80, [ShardSpace(10, False)] * 8) == 160


def test_what_is_there_already_counts() -> None:
    assert needed_bytes(0, [ShardSpace(10, True)] * 2) == 10
    assert needed_bytes(0, []) == 0


@given(
    st.integers(0, 10**6),
    st.lists(st.tuples(st.integers(1, 10**6), st.booleans()), max_size=10),
)
def test_the_need_is_that_of_the_worst_moment(missing: int, shards: list[tuple[int, bool]]) -> None:
    needed = needed_bytes(missing, [ShardSpace(*shard) for shard in shards])
    largest = max((size for size, _ in shards), default=0)
    assert missing + largest <= needed + sum(size for size, freed in shards if freed)
    assert needed <= missing + sum(size for size, _ in shards)


@pytest.mark.parametrize(
    ("size_bytes", "text"), [(14_599_692_288, "14.6 GB"), (450_000, "0.5 MB"), (0, "0.0 MB")]
)
def test_sizes_read_well(size_bytes: int, text: str) -> None:
    assert size_text(size_bytes) == text


@pytest.fixture
def free(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Make every disk have so many free bytes."""

    def set_free(size_bytes: int) -> None:
        usage = Usage(2 * size_bytes, size_bytes, size_bytes)
        monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)

    return set_free


def upstream_bytes(upstream: Path) -> tuple[int, int]:
    """Return the bytes of everything that is downloaded, and of all shards."""
    shards = sum(path.stat().st_size for path in upstream.glob("*.bin"))
    return shards + sum(path.stat().st_size for path in upstream.glob("*.json")), shards


def test_too_little_room_is_said_with_both_figures_and_no_body_is_asked(
    download: Download,
    server: ModelScopeServer,
    upstream: Path,
    target: Path,
    free: Callable[[int], None],
) -> None:
    everything, _ = upstream_bytes(upstream)
    largest = max(path.stat().st_size for path in upstream.glob("*.bin"))
    enough = everything + largest + MARGIN_BYTES
    free(enough - 1)
    with pytest.raises(DiskError) as caught:
        download()
    assert size_text(enough) in caught.value.message
    assert size_text(enough - 1) in caught.value.message
    assert server.body_count == 0
    assert not target.exists()
    free(enough)
    assert download() == target


def test_keeping_the_original_asks_for_more_room(
    download: Download, server: ModelScopeServer, upstream: Path, free: Callable[[int], None]
) -> None:
    everything, shards = upstream_bytes(upstream)
    free(everything + shards + MARGIN_BYTES - 1)
    with pytest.raises(DiskError):
        download(keep_original=True)
    assert server.body_count == 0
    free(everything + shards + MARGIN_BYTES)
    download(keep_original=True)


def test_a_resumed_download_asks_only_for_the_rest(
    download: Download, server: ModelScopeServer, upstream: Path, free: Callable[[int], None]
) -> None:
    last = "pytorch_model-00003-of-00003.bin"
    server.faults[last] = Fault(status=503)
    with pytest.raises(TransferError):
        download()
    server.faults.clear()
    largest = max(path.stat().st_size for path in upstream.glob("*.bin"))
    free((upstream / last).stat().st_size + largest + MARGIN_BYTES)
    download()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[[int], Path]]:
    """Mount a real file system of so many bytes; called again, it gets a new size."""
    folder = tmp_path / "disk"
    folder.mkdir()

    def mount(size_bytes: int) -> Path:
        again = "remount," if folder.is_mount() else ""
        command = ["mount", "-t", "tmpfs", "-o", f"{again}size={size_bytes}", "tmpfs", str(folder)]
        try:
            subprocess.run(command, check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError):
            pytest.skip("mounting a file system needs more rights")
        return folder

    yield mount
    if folder.is_mount():
        subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.parametrize("disk_bytes", [200_000, 400_000, 500_000, 590_000])
def test_a_disk_that_turns_out_smaller_costs_nothing(
    download: Download,
    server: ModelScopeServer,
    small_disk: Callable[[int], Path],
    free: Callable[[int], None],
    reference: Path,
    disk_bytes: int,
) -> None:
    """Another program fills the disk after we looked: in the download, or in the conversion."""
    free(10**9)
    disk = small_disk(disk_bytes)
    with pytest.raises(DiskError, match="full"):
        download(cache_dir=disk)
    assert not (disk / "xverse-chat" / reference.name).exists()
    small_disk(5_000_000)
    assert contents(download(cache_dir=disk)) == contents(reference)
    assert max(server.bodies[name] for name in server.bodies if name.endswith("json")) == 1


def test_a_really_small_disk_is_noticed_beforehand(
    download: Download, server: ModelScopeServer, small_disk: Callable[[int], Path]
) -> None:
    with pytest.raises(DiskError, match=r"need 32\.\d MB, and 2\.\d MB are free|are free"):
        download(cache_dir=small_disk(3_000_000))
    assert server.body_count == 0
