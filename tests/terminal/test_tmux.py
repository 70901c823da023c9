"""A reply in a terminal that folds its lines anew when the window changes: tmux, where it is."""

import json
import os
import re
import shlex
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.program import ROOT, environment
from tests.terminal.conversation import PROGRAM
from tests.terminal.test_reading import NUMBER, PIECES, WHOLE

SIZES = [(50, 24), (50, 10), (120, 10), (33, 40), (80, 24), (60, 12), (100, 30), (40, 20)]
TIMEOUT_S = 30.0

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")


class Tmux:
    """A window of a tmux server of its own."""

    def __init__(self, folder: Path, command: list[str], variables: dict[str, str]) -> None:
        self._socket = folder / "tmux"
        self._variables = variables
        self._run("new-session", "-d", "-x", "80", "-y", "24", shlex.join(command))

    def type(self, *keys: str) -> None:
        self._run("send-keys", *keys)

    def resize(self, columns: int, rows: int) -> None:
        self._run("resize-window", "-x", str(columns), "-y", str(rows))

    def everything(self) -> str:
        """Return what scrolled off and the screen, folded lines joined."""
        return self._run("capture-pane", "-p", "-J", "-S", "-5000")

    def wait_for(self, pattern: str) -> None:
        began = time.monotonic()
        while not re.search(pattern, self.everything(), re.MULTILINE):
            assert time.monotonic() - began < TIMEOUT_S, self.everything()
            time.sleep(0.1)

    def close(self) -> None:
        self._run("kill-server")

    def _run(self, *arguments: str) -> str:
        # Without a configuration of the user's; -u: UTF-8 whatever the locale.
        command = ["tmux", "-u", "-f", os.devnull, "-S", str(self._socket), *arguments]
        done = subprocess.run(
            command, env=self._variables, capture_output=True, text=True, check=True
        )
        return done.stdout


@pytest.fixture
def tmux(tmp_path: Path) -> Iterator[Tmux]:
    variables = environment(tmp_path, PYTHONPATH=f"{ROOT / 'src'}:{ROOT}")
    variables.pop("TMUX", None)
    script = {"replies": [PIECES], "piece_s": 0.03}
    window = Tmux(tmp_path, [*PROGRAM, json.dumps(script)], variables)
    yield window
    window.close()


def test_lines_that_are_folded_anew_are_neither_lost_nor_repeated(tmux: Tmux) -> None:
    tmux.wait_for("^>")
    tmux.type("写长一点", "Enter")
    tmux.wait_for(WHOLE[3])
    for columns, rows in SIZES:
        tmux.resize(columns, rows)
        time.sleep(0.3)
    tmux.wait_for("tokens/s")
    assert NUMBER.findall(tmux.everything()) == WHOLE
