"""Killed at any moment, a download is picked up where it was, and ends as if undisturbed."""

import json
import multiprocessing
import os
import random
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.hub.conftest import MODEL_ID, Download, Recorder, contents
from tests.hub.modelscope_server import Fault, ModelScopeServer
from xverse_chat.checkpoint.record import damaged_files, has_record, read_record
from xverse_chat.errors import TransferError, UnavailableError
from xverse_chat.hub.download import download_model
from xverse_chat.progress import NoProgress, Stage

# What changes the disk; each is a moment to be killed at.
WRITING = {"os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.symlink", "shutil.rmtree"}

CONTEXT = multiprocessing.get_context("forkserver")


def kill_before(event_number: int) -> None:
    """Kill this process before it changes the disk for the n-th time from now."""
    left = event_number

    def kill_in_time(event: str, arguments: tuple[Any, ...]) -> None:
        nonlocal left
        is_write = event == "open" and arguments[1] is not None and set(arguments[1]) & set("wax+")
        if event in WRITING or is_write:
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(kill_in_time)
    sys.stderr = open(os.devnull, "w")  # noqa: SIM115


def download_until(event_number: int, options: dict[str, Any]) -> None:
    kill_before(event_number)
    download_model(MODEL_ID, progress=NoProgress(), **options)


@pytest.fixture(scope="module", autouse=True)
def preloaded() -> None:
    """Let the processes of these tests start with everything heavy loaded."""
    CONTEXT.set_forkserver_preload(["tests.hub.preloaded"])


@pytest.fixture
def run(server: ModelScopeServer, cache: Path) -> Callable[..., int | None]:
    """Download in a process of its own; return its exit code, negative when it was killed."""

    def run(event_number: int = -1, *, kill_after_s: float | None = None) -> int | None:
        options = {"cache_dir": cache, "endpoint": server.url}
        process = CONTEXT.Process(target=download_until, args=(event_number, options))
        process.start()
        process.join(kill_after_s if kill_after_s is not None else 60)
        if process.is_alive():
            process.kill()
            process.join()
        return process.exitcode

    return run


def assert_complete_or_absent(target: Path) -> None:
    if target.exists():
        assert has_record(target)
        assert damaged_files(target, read_record(target).files) == []


def test_killed_before_any_change_of_the_disk_it_loses_nothing(
    run: Callable[..., int | None], target: Path, reference: Path
) -> None:
    """Each run gets a little further than a killed one before it, and the last one finishes."""
    kills, step = 0, 3
    while (code := run(step)) == -signal.SIGKILL:
        assert_complete_or_absent(target)
        kills += 1
        step = 3 + kills * 2
        assert kills < 60
    assert code == 0
    assert kills >= 6
    assert contents(target) == contents(reference)


@pytest.mark.parametrize("event_number", range(4, 124, 10))
def test_killed_once_it_is_whole_at_the_second_run(
    run: Callable[..., int | None], target: Path, reference: Path, event_number: int
) -> None:
    code = run(event_number)
    assert_complete_or_absent(target)
    assert code in (0, -signal.SIGKILL)
    assert run() == 0
    assert contents(target) == contents(reference)
    assert {path.name for path in target.parent.iterdir()} == {target.name, f".{target.name}.lock"}


def test_killed_at_random_times_it_arrives(
    run: Callable[..., int | None], server: ModelScopeServer, target: Path, reference: Path
) -> None:
    server.bytes_per_second = 100_000
    moments = random.Random(7)
    rounds = 0
    while run(kill_after_s=moments.uniform(0.1, 0.6)) != 0:
        assert_complete_or_absent(target)
        rounds += 1
        assert rounds < 40
    assert rounds >= 6
    assert contents(target) == contents(reference)
    sent = server.sent_bytes.total()
    listed = sum(entry["Size"] for entry in server.entries() if entry["Path"] in server.bodies)
    assert sent < 2 * listed, "too much was downloaded again"


class Interrupted(Recorder):
    """Ctrl-C when a certain shard is about to be converted."""

    def start(self, name: str, total_bytes: int) -> None:
        super().start(name, total_bytes)
        if self.stages[-1][0] is Stage.CONVERT and "-00003-of" in name:
            raise KeyboardInterrupt


def test_converted_shards_are_not_downloaded_again_after_ctrl_c(
    download: Download, server: ModelScopeServer, target: Path, reference: Path
) -> None:
    with pytest.raises(KeyboardInterrupt):
        download(progress=Interrupted())
    staging = target.parent / f".{target.name}.partial"
    journal = json.loads((staging / "journal.json").read_text())
    assert len(journal["converted"]) == 2
    assert [path.name for path in (staging / "upstream").glob("*.bin")] == [
        "pytorch_model-00003-of-00003.bin"
    ]
    server.forget()
    assert contents(download()) == contents(reference)
    assert server.body_count == 0


def test_what_has_arrived_is_converted_without_the_server(
    download: Download, server: ModelScopeServer, target: Path, reference: Path
) -> None:
    with pytest.raises(KeyboardInterrupt):
        download(progress=Interrupted())
    assert contents(download(endpoint="http://127.0.0.1:9")) == contents(reference)


def test_without_the_server_what_has_not_arrived_is_still_missing(
    download: Download, server: ModelScopeServer, target: Path
) -> None:
    server.faults["pytorch_model-00003-of-00003.bin"] = Fault(status=503)
    with pytest.raises(TransferError):
        download()
    with pytest.raises(UnavailableError, match="cannot be reached"):
        download(endpoint="http://127.0.0.1:9")


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format": 1}', "null", '{"format": "x"}'])
def test_a_journal_that_is_none_costs_time_and_nothing_else(
    download: Download, server: ModelScopeServer, target: Path, reference: Path, text: str
) -> None:
    with pytest.raises(KeyboardInterrupt):
        download(progress=Interrupted())
    (target.parent / f".{target.name}.partial" / "journal.json").write_text(text)
    assert contents(download()) == contents(reference)


def test_a_shard_that_changed_on_the_server_is_converted_again(
    download: Download, server: ModelScopeServer, target: Path, tmp_path: Path
) -> None:
    from tests.hub.upstream_folder import build_upstream_folder

    with pytest.raises(KeyboardInterrupt):
        download(progress=Interrupted())
    server.folder = build_upstream_folder(tmp_path / "other", seed=5)
    folder = download()
    server.forget()
    fresh = download(cache_dir=tmp_path / "fresh")
    assert contents(folder) == contents(fresh)
