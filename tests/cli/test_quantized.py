"""Quantized folders as a user meets them: made by one command, used by the other."""

import json
import re
from pathlib import Path

import pytest

from tests.hub.modelscope_server import ModelScopeServer
from tests.program import CHAT, DOWNLOAD, run
from tests.test_end_to_end import publish_demo
from xverse_chat.config import DEFAULT_MODEL_ID


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache with nothing but the demo model in 8 bits, downloaded as the default model."""
    home = tmp_path_factory.mktemp("home")
    with ModelScopeServer(publish_demo(home / "upstream"), DEFAULT_MODEL_ID) as server:
        options = ("--quant", "8", "--cache-dir", str(home / "cache"), "--endpoint", server.url)
        done = run(DOWNLOAD, *options, home=home)
    assert done.returncode == 0, done.stderr.decode()
    folder = home / "cache" / "xverse-chat" / "xverse--XVERSE-7B-Chat-int8"
    assert done.stdout.decode() == f"{folder}\n"
    assert "then they are deleted" in done.stderr.decode()
    assert re.search(r"Quantized: 29\.\d MB", done.stderr.decode())
    assert [path for path in folder.parent.iterdir() if path.name[0] != "."] == [folder]
    return home / "cache"


@pytest.mark.parametrize("by_folder", [False, True])
def test_its_answer_comes_from_it(by_folder: bool, cache: Path, tmp_path: Path) -> None:
    folder = cache / "xverse-chat" / "xverse--XVERSE-7B-Chat-int8"
    chosen = ["--model", str(folder)] if by_folder else ["--quant", "8", "--cache-dir", str(cache)]
    done = run(CHAT, *chosen, "-p", "你好", "--greedy", "--json", home=tmp_path)
    assert done.returncode == 0, done.stderr.decode()
    answer = json.loads(done.stdout)
    assert answer["model"]["precision"] == "int8"
    assert "你好" in answer["text"]


@pytest.mark.parametrize(
    ("options", "code", "told"),
    [
        ([], 69, "Use --quant 8, or run `xverse-download --cache-dir"),
        (["--quant", "4"], 69, "in 8 bits, and not in 4"),
    ],
)
def test_a_precision_that_is_not_there_is_told(
    options: list[str], code: int, told: str, cache: Path, tmp_path: Path
) -> None:
    done = run(CHAT, *options, "--cache-dir", str(cache), "-p", "hi", home=tmp_path)
    assert (done.returncode, done.stdout) == (code, b"")
    assert told in done.stderr.decode()


def test_a_folder_and_an_option_that_contradict_each_other_are_a_usage_error(
    cache: Path, tmp_path: Path
) -> None:
    folder = str(cache / "xverse-chat" / "xverse--XVERSE-7B-Chat-int8")
    done = run(CHAT, "--model", folder, "--quant", "4", "-p", "hi", home=tmp_path)
    assert (done.returncode, done.stdout) == (2, b"")
    assert "holds weights in 8 bits; --quant 4 cannot be made of them" in done.stderr.decode()
