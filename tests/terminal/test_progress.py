import io
import sys
import textwrap
from contextlib import suppress
from pathlib import Path

import pytest
from rich.console import Console

from tests.program import environment
from tests.pseudo_terminal import PseudoTerminal
from xverse_chat.progress import Stage
from xverse_chat.terminal.progress import PlainProgress, RichProgress, open_progress
from xverse_chat.terminal.texts_chinese import CHINESE
from xverse_chat.terminal.texts_english import ENGLISH
from xverse_chat.wording import say

DOWNLOAD = textwrap.dedent(
    """
    import sys, time
    from xverse_chat.progress import Stage
    from xverse_chat.terminal.progress import open_progress
    from xverse_chat.terminal.languages import TEXTS
    from xverse_chat.wording import say
    with open_progress(TEXTS[sys.argv[1]]) as progress:
        progress.note(say("a note \\x1b[2J from a server"))
        progress.begin(Stage.DOWNLOAD, 14_600_000_000)
        for name in ("model-00001.bin", "evil\\x1b]0;x\\x07.bin"):
            progress.start(name, 7_300_000_000)
        for _ in range(12):
            time.sleep(0.1)
            progress.advance("model-00001.bin", 365_000_000)
        time.sleep(0.5)
        progress.begin(Stage.VERIFY, 14_600_000_000)
    print("the folder")
    """
)


def download(home: Path, language: str, columns: int = 80, rows: int = 24) -> PseudoTerminal:
    command = [sys.executable, "-c", DOWNLOAD, language]
    return PseudoTerminal(command, environment=environment(home), columns=columns, rows=rows)


def wait_for_frame(terminal: PseudoTerminal, heading: str) -> None:
    """Wait for a heading and for the last row that is drawn below it."""

    def is_whole() -> bool:
        return heading in terminal.lines[1] and terminal.lines[4].startswith("evi")

    terminal.wait_until(is_whole, heading)


def test_a_download_shows_the_total_and_a_bar_for_each_file(tmp_path: Path) -> None:
    with download(tmp_path, "en") as terminal:
        wait_for_frame(terminal, "30% · 4.4 GB of 14.6 GB · ")
        note, heading, bar, first, second = terminal.lines[:5]
        assert note == "a note from a server"
        assert heading.startswith("Downloading")
        assert "GB/s" in heading
        assert bar == "━" * 24 + "╺" + "━" * 55
        assert first.startswith("model-00001.bin")
        assert first.endswith("60%    4.4 GB of 7.3 GB")
        assert second.startswith("evil.bin")
        assert terminal.exit_code() == 0
        assert terminal.lines[1].startswith("✓ Downloaded: 4.4 GB in 0:0")
        assert terminal.text.endswith("the folder")


@pytest.mark.parametrize("columns", [30, 46])
def test_a_narrow_window_cuts_and_never_wraps(columns: int, tmp_path: Path) -> None:
    with download(tmp_path, "zh", columns, 8) as terminal:
        wait_for_frame(terminal, "30%")
        assert terminal.lines[1].startswith("正在下载")
        assert set(terminal.lines[2]) <= set("━╺╸")
        assert terminal.lines[3].startswith("mod")
        assert terminal.lines[4].startswith("evi")


def test_the_cursor_stays_visible_so_that_a_kill_leaves_it_so(tmp_path: Path) -> None:
    with download(tmp_path, "en") as terminal:
        terminal.wait_for("30%")
        assert terminal.raw.rfind(b"\x1b[?25h") > terminal.raw.rfind(b"\x1b[?25l")


def test_without_a_terminal_there_are_plain_lines() -> None:
    file = io.StringIO()
    with open_progress(ENGLISH, file=file) as progress:
        progress.note(say("waiting\x1b[2J"))
        progress.begin(Stage.CONVERT, 2000)
        progress.start("a", 2000)
        progress.advance("a", 2000)
        progress.finish("a")
    assert file.getvalue().splitlines() == [
        "waiting",
        "Converting (2.0 kB)",
        "a: done, 2.0 kB",
        "Converted: 2.0 kB in 0:00",
    ]


def test_plain_lines_come_at_intervals() -> None:
    file = io.StringIO()
    with PlainProgress(file, CHINESE, interval_s=0) as progress:
        progress.begin(Stage.DOWNLOAD, 2000)
        progress.advance("a", 1000)
    assert "正在下载 50% · 1.0 kB / 2.0 kB" in file.getvalue().splitlines()


def test_layers_are_not_named_one_by_one() -> None:
    file = io.StringIO()
    with PlainProgress(file, ENGLISH) as progress:
        progress.begin(Stage.QUANTIZE, 100)
        progress.start("layers.0", 100)
        progress.finish("layers.0")
    assert "layers.0" not in file.getvalue()


def test_work_that_failed_is_not_told_as_done() -> None:
    file = io.StringIO()
    progress = PlainProgress(file, ENGLISH)
    progress.begin(Stage.DOWNLOAD, 2000)
    with suppress(ValueError), progress:
        raise ValueError("cut")
    assert "Downloaded" not in file.getvalue()


def test_loading_leaves_nothing_on_the_screen() -> None:
    file = io.StringIO()
    console = Console(file=file, force_terminal=True, width=80)
    with RichProgress(console, ENGLISH) as progress:
        progress.begin(Stage.LOAD, 2000)
        progress.advance("a", 2000)
    assert "Loaded" not in file.getvalue()
