import pytest
from prompt_toolkit.utils import get_cwidth

from xverse_chat.terminal.status_line import Status, short_count, status_line
from xverse_chat.terminal.texts_chinese import CHINESE
from xverse_chat.terminal.texts_english import ENGLISH

FULL = Status("xverse/XVERSE-7B-Chat", "int4", 3100, 8192, 284.6)


@pytest.mark.parametrize(
    ("columns", "line"),
    [
        (80, "xverse/XVERSE-7B-Chat · int4 · context 3.1k / 8k · 285 tok/s"),
        (60, "xverse/XVERSE-7B-Chat · int4 · context 3.1k / 8k · 285 tok/s"),
        (59, "XVERSE-7B-Chat · int4 · context 3.1k / 8k · 285 tok/s"),
        (50, "XVERSE-7B-Chat · context 3.1k / 8k · 285 tok/s"),
        (40, "XVERSE-7B-Chat · context 3.1k / 8k"),
        (20, "context 3.1k / 8k"),
        (10, "3.1k / 8k"),
        (5, ""),
    ],
)
def test_what_matters_least_goes_first_and_the_context_last(columns: int, line: str) -> None:
    assert status_line(FULL, columns, ENGLISH) == line


@pytest.mark.parametrize("columns", range(1, 81))
def test_it_never_is_wider_than_its_window(columns: int) -> None:
    status = Status("某人/很长的模型名字" * 3, "float16", 8192, 8192, 5.04)
    assert get_cwidth(status_line(status, columns, CHINESE)) <= columns


def test_what_is_not_known_yet_is_left_out() -> None:
    assert status_line(Status("demo", "float32"), 80, ENGLISH) == "demo · float32"
    assert status_line(Status("demo", "float32", 0, 2048), 80, CHINESE) == (
        "demo · float32 · 上下文 0 / 2k"
    )


def test_a_hostile_name_is_inert() -> None:
    line = status_line(Status("x/\x1b]0;t\x07y\nz", "int4"), 80, ENGLISH)
    assert "\x1b" not in line
    assert "\n" not in line


@pytest.mark.parametrize(
    ("tokens", "told"),
    [
        (0, "0"),
        (999, "999"),
        (1000, "1k"),
        (1024, "1k"),
        (3149, "3.1k"),
        (8192, "8k"),
        (8100, "8.1k"),
        (99_999, "100k"),
        (131_072, "128k"),
    ],
)
def test_a_count_is_short(tokens: int, told: str) -> None:
    assert short_count(tokens) == told
