"""The ways in which a transfer fails, each through real HTTP."""

import errno
import threading
from pathlib import Path

import pytest

from tests.hub.conftest import Download, Recorder, contents
from tests.hub.modelscope_server import Entry, Fault, ModelScopeServer
from xverse_chat.errors import (
    DataError,
    DiskError,
    TransferError,
    UnavailableError,
    XverseChatError,
)
from xverse_chat.progress import Stage

SHARD = "pytorch_model-00002-of-00003.bin"


@pytest.mark.parametrize(
    "fault",
    [
        Fault(times=1, cut_after_bytes=50_000),
        Fault(times=1, cut_after_bytes=0),
        Fault(times=1, status=503),
        Fault(times=1, status=500),
        Fault(times=1, status=429, headers={"Retry-After": "1"}),
        Fault(times=1, stall_s=2.6, cut_after_bytes=30_000),
    ],
    ids=["cut", "cut at once", "503", "500", "429", "stalled"],
)
def test_a_passing_fault_leaves_no_trace(
    download: Download, server: ModelScopeServer, reference: Path, fault: Fault
) -> None:
    server.faults[SHARD] = fault
    assert contents(download()) == contents(reference)


def test_a_cut_body_goes_on_where_it_stopped(download: Download, server: ModelScopeServer) -> None:
    server.faults[SHARD] = Fault(times=1, cut_after_bytes=50_000)
    download()
    assert server.ranges == [(SHARD, "bytes=50000-")]


def test_a_server_that_ignores_ranges_sends_everything_again(
    download: Download, server: ModelScopeServer, reference: Path, progress: Recorder
) -> None:
    server.ignores_range = True
    server.faults[SHARD] = Fault(times=1, cut_after_bytes=50_000)
    assert contents(download()) == contents(reference)


def test_a_cut_beyond_all_retries_is_resumed_by_the_next_run(
    download: Download, server: ModelScopeServer, target: Path, reference: Path
) -> None:
    server.faults[SHARD] = Fault(cut_after_bytes=30_000)
    with pytest.raises(TransferError) as caught:
        download()
    assert SHARD in caught.value.message
    assert "again" in caught.value.hint
    assert not target.exists()
    server.faults.clear()
    assert contents(download()) == contents(reference)
    assert server.sent_bytes[SHARD] == (server.folder / SHARD).stat().st_size, "sent twice"
    assert server.bodies["config.json"] == 1


@pytest.mark.parametrize("status", [500, 429])
def test_a_server_that_only_fails_breaks_the_transfer_off(
    download: Download, server: ModelScopeServer, status: int
) -> None:
    server.faults["*"] = Fault(status=status)
    with pytest.raises(TransferError):
        download()


@pytest.mark.parametrize(
    ("status", "said"), [(404, "does not have it"), (401, "to everyone"), (403, "to everyone")]
)
def test_a_listed_file_that_is_not_given_is_unavailable(
    download: Download, server: ModelScopeServer, status: int, said: str
) -> None:
    server.faults[SHARD] = Fault(status=status)
    with pytest.raises(UnavailableError, match=said) as caught:
        download()
    assert SHARD in caught.value.message


def test_wrong_bytes_are_named_and_removed(
    download: Download, server: ModelScopeServer, target: Path, reference: Path
) -> None:
    server.faults[SHARD] = Fault(corrupt_at=70_000)
    with pytest.raises(DataError) as caught:
        download()
    assert SHARD in caught.value.message
    assert not target.exists()
    assert not list(target.parent.rglob(SHARD + "*"))
    server.faults.clear()
    server.forget()
    assert contents(download()) == contents(reference)
    assert set(server.bodies) == {SHARD}


def test_a_listing_that_lies_about_a_sha256_is_data(
    download: Download, server: ModelScopeServer, target: Path
) -> None:
    def lie(entries: list[Entry]) -> list[Entry]:
        return [
            entry | {"Sha256": "0" * 64} if entry["Path"] == SHARD else entry for entry in entries
        ]

    server.edit_listing = lie
    with pytest.raises(DataError, match=SHARD):
        download()
    assert not target.exists()


def test_a_listing_that_lies_about_a_size_is_data(
    download: Download, server: ModelScopeServer, target: Path
) -> None:
    def lie(entries: list[Entry]) -> list[Entry]:
        return [
            entry | {"Size": entry["Size"] + 1} if entry["Path"] == SHARD else entry
            for entry in entries
        ]

    server.edit_listing = lie
    with pytest.raises(DataError, match=SHARD):
        download()
    assert not target.exists()


def test_bytes_that_are_wrong_once_are_counted_once(
    download: Download, server: ModelScopeServer, progress: Recorder, reference: Path
) -> None:
    done: list[dict[str, int]] = []
    begin = progress.begin

    def remember(stage: Stage, total_bytes: int) -> None:
        done.append(progress.done)
        begin(stage, total_bytes)

    progress.begin = remember  # type: ignore[method-assign]
    server.faults[SHARD] = Fault(times=1, corrupt_at=70_000)
    assert contents(download()) == contents(reference)
    assert server.bodies[SHARD] == 2
    assert done[1][SHARD] == (server.folder / SHARD).stat().st_size


def test_without_a_sha256_the_size_counts_and_that_is_said(
    download: Download, server: ModelScopeServer, reference: Path, progress: Recorder
) -> None:
    server.edit_listing = lambda entries: [entry | {"Sha256": ""} for entry in entries]
    assert contents(download()) == contents(reference)
    assert any("no sha256" in note for note in progress.notes)


def test_a_page_of_html_in_place_of_a_shard_is_data(
    download: Download, server: ModelScopeServer, target: Path
) -> None:
    server.faults[SHARD] = Fault(body=b"<html>Please log in</html>")
    with pytest.raises(DataError, match=SHARD):
        download()
    assert not target.exists()


def test_a_disk_that_fills_midway_keeps_what_arrived(
    download: Download,
    server: ModelScopeServer,
    target: Path,
    reference: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    full = threading.Event()
    full.set()

    class Full(Recorder):
        """A disk with room for a quarter of a shard: writing more raises what a write raises."""

        def advance(self, name: str, size_bytes: int) -> None:
            super().advance(name, size_bytes)
            if full.is_set() and name == SHARD and self.done[name] > 30_000:
                raise OSError(errno.ENOSPC, "No space left on device")

    server.bytes_per_second = 400_000
    with pytest.raises(DiskError, match=r"full: \d+\.\d MB are still to come"):
        download(progress=Full())
    assert not target.exists()
    assert list(target.parent.rglob(SHARD + ".incomplete"))
    full.clear()
    server.forget()
    assert contents(download()) == contents(reference)
    assert server.ranges, "it did not go on where it stopped"


def test_no_text_of_the_downloader_reaches_the_user(
    download: Download, server: ModelScopeServer
) -> None:
    for fault in (Fault(status=500), Fault(status=404)):
        server.faults["*"] = fault
        with pytest.raises(XverseChatError) as caught:
            download()
        said = caught.value.message + caught.value.hint
        assert said.isascii(), "its texts are partly Chinese"
        assert "HTTPConnection" not in said
        assert "[E" not in said
