import io

import pytest

from xverse_chat.chat.backend import Finish, ModelDescription, Timings, Usage
from xverse_chat.errors import EngineError
from xverse_chat.progress import Stage
from xverse_chat.terminal.plain_renderer import PlainRenderer
from xverse_chat.terminal.tally import Snapshot
from xverse_chat.terminal.texts_chinese import CHINESE
from xverse_chat.terminal.texts_english import ENGLISH
from xverse_chat.wording import say

FINISH = Finish("stop", Usage(5, 12), Timings(1.0, 0.1, 0.25, 41.7))


@pytest.fixture
def screen() -> io.StringIO:
    return io.StringIO()


def test_a_reply_is_labelled_and_ends_with_what_it_took(screen: io.StringIO) -> None:
    renderer = PlainRenderer(screen, CHINESE)
    renderer.begin_reply()
    for piece in ("你好", "\x1b[", "2J！"):
        renderer.piece(piece)
    renderer.end_reply("", FINISH)
    assert screen.getvalue().splitlines() == [
        "模型：你好！",
        "12 个 token · 每秒 42 个 · 0.25 秒后开始",
    ]


def test_a_sequence_left_open_swallows_nothing_of_the_next_reply(screen: io.StringIO) -> None:
    renderer = PlainRenderer(screen, ENGLISH)
    for piece in ("\x1b]52;c;", "second"):
        renderer.begin_reply()
        renderer.piece(piece)
        renderer.end_reply()
    assert screen.getvalue() == "Model: second\n"


def test_waiting_is_told_at_long_intervals_only(screen: io.StringIO) -> None:
    renderer = PlainRenderer(screen, ENGLISH)
    for elapsed_s in range(9):
        renderer.waiting("", elapsed_s)
    assert screen.getvalue() == ""
    for _ in range(5):
        renderer.loading(Snapshot(Stage.LOAD, 100, 50))
    assert screen.getvalue() == "Loading the model 50% · 50 B of 100 B\n"


def test_an_error_and_its_hint_cannot_act_on_the_terminal(screen: io.StringIO) -> None:
    PlainRenderer(screen, ENGLISH).error(
        EngineError(say("bad \x1b]0;x\x07name"), hint=say("try \x9b2Jit"))
    )
    assert screen.getvalue() == "Error: bad name\ntry it\n"


def test_the_demo_is_labelled(screen: io.StringIO) -> None:
    renderer = PlainRenderer(screen, ENGLISH)
    renderer.welcome(ModelDescription("demo", "float32", "cpu", 0))
    assert screen.getvalue().startswith("demo (small demo model) · float32 · cpu\n/help")
