"""Killed at any moment, the making of a quantized folder is picked up where it was."""

import signal
from pathlib import Path
from typing import Any

import pytest

from tests.hub.conftest import FOLDER_NAME, MODEL_ID, contents
from tests.hub.modelscope_server import ModelScopeServer
from tests.hub.test_staging import CONTEXT, assert_complete_or_absent, kill_before
from tests.quantized_folder import quantizer
from xverse_chat.hub.download_quantized import download_quantized
from xverse_chat.progress import NoProgress

# Converting the 16-bit weights begins near the first, their deletion near the last.
EVENTS = range(60, 200, 10)


def quantize_until(event_number: int, options: dict[str, Any]) -> None:
    import torch

    torch.set_num_threads(1)
    kill_before(event_number)
    download_quantized(MODEL_ID, bits=8, quantizer=quantizer(8), progress=NoProgress(), **options)


def run(event_number: int, options: dict[str, Any]) -> int | None:
    CONTEXT.set_forkserver_preload(["tests.hub.preloaded"])
    process = CONTEXT.Process(target=quantize_until, args=(event_number, options))
    process.start()
    process.join(60)
    if process.is_alive():
        process.kill()
        process.join()
    return process.exitcode


@pytest.fixture(scope="module")
def undisturbed(pristine: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    with ModelScopeServer(pristine, MODEL_ID) as server:
        cache = tmp_path_factory.mktemp("undisturbed")
        options = {"cache_dir": cache, "endpoint": server.url}
        assert run(-1, options) == 0
    return contents(cache / "xverse-chat" / f"{FOLDER_NAME}-int8")


@pytest.mark.parametrize("event_number", EVENTS)
def test_killed_once_it_is_whole_at_the_second_run_and_nothing_else_is_left(
    event_number: int, cache: Path, server: ModelScopeServer, undisturbed: dict[str, bytes]
) -> None:
    options = {"cache_dir": cache, "endpoint": server.url}
    plain = cache / "xverse-chat" / FOLDER_NAME
    quantized = plain.with_name(f"{FOLDER_NAME}-int8")
    code = run(event_number, options)
    assert code in (0, -signal.SIGKILL)
    assert_complete_or_absent(plain)
    assert_complete_or_absent(quantized)
    assert run(-1, options) == 0
    assert contents(quantized) == undisturbed
    left = {path.name for path in plain.parent.iterdir() if not path.name.endswith(".lock")}
    assert left == {quantized.name}
