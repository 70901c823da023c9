import io
import os
import re
import unicodedata
from collections.abc import Callable

import pyte
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.terminal.markdown.rendering import TEXTS
from xverse_chat.chat.backend import Finish, ModelDescription, Timings, Usage
from xverse_chat.errors import EngineError
from xverse_chat.progress import Stage
from xverse_chat.terminal.rich_renderer import RichRenderer, bar
from xverse_chat.terminal.tally import Snapshot
from xverse_chat.terminal.texts import Texts
from xverse_chat.terminal.texts_chinese import CHINESE
from xverse_chat.terminal.texts_english import ENGLISH
from xverse_chat.wording import say

FINISH = Finish("stop", Usage(5, 12), Timings(1.0, 0.1, 0.25, None))


class TerminalFile(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.get_terminal_size", lambda _: os.terminal_size((80, 24)))
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)


def seen(
    draw: Callable[[RichRenderer], None], texts: Texts = ENGLISH, *, columns: int = 80
) -> list[str]:
    """Return the rows of the screen up to the last that is not empty."""
    file = TerminalFile()
    draw(RichRenderer(file, texts))
    screen = pyte.Screen(columns, 24)
    pyte.Stream(screen).feed(file.getvalue().replace("\n", "\r\n"))
    rows = [
        "".join(screen.buffer[row][column].data for column in range(columns)).rstrip()
        for row in range(24)
    ]
    while rows and not rows[-1]:
        rows.pop()
    return rows


def reply(*pieces: str, note: str = "", finish: Finish | None = FINISH) -> Callable[..., None]:
    def draw(renderer: RichRenderer) -> None:
        renderer.begin_reply()
        for piece in pieces:
            renderer.piece(piece)
        renderer.end_reply(note, finish)

    return draw


def test_a_reply_is_followed_by_what_it_took() -> None:
    assert seen(reply("Hel", "lo.")) == ["Hello.", "12 tokens · first after 0.25 s"]


def test_a_reply_that_ends_its_line_leaves_no_empty_one() -> None:
    assert seen(reply("Hello.\n", note="(interrupted)", finish=None)) == ["Hello.", "(interrupted)"]


def test_one_token_is_no_tokens() -> None:
    finish = Finish("stop", Usage(5, 1), FINISH.timings)
    assert seen(reply("Yes", finish=finish))[1].startswith("1 token ·")


def test_nothing_in_a_reply_is_markup_or_a_sequence() -> None:
    pieces = ("[bold]a[/x] :bomb: ", "\x1b]5", "2;c;aGk=\x07", "\x1b[2J", "\x9b5m", "[link=x]b")
    assert seen(reply(*pieces))[0] == "[bold]a[/x] :bomb: [link=x]b"


OWN_SEQUENCES = re.compile(r"\x1b\[(?:[0-9;]*m|\?(?:25|7|2026)[hl]|[KJ]|\d+A)|[\r\n]")
HOSTILE_PARTS = st.sampled_from(
    [
        *("\x1b[2J", "\x1b]52;c;aGk=\x07", "\x1b", "\x9b", "\x07", "\x08", "\r", "\x7f", "\u202e"),
        *("&#27;", "&#x1b;[2J", "&#13;", "&#8;", "&#x202e;", "&#155;", "[a](\x1b]8;;x\x07)"),
        *("[a](http://x/\r)", "<http://x>", "![a](file:///x)", "`\x1b[A`", "```\x1b]0;x\x07\n"),
    ]
)


@settings(max_examples=300, deadline=None)
@given(st.lists(TEXTS | HOSTILE_PARTS, max_size=12))
def test_whatever_a_model_says_the_terminal_gets_no_sequences_but_our_own(
    pieces: list[str],
) -> None:
    file = TerminalFile()
    reply(*pieces)(RichRenderer(file, ENGLISH))
    written = OWN_SEQUENCES.sub("", file.getvalue())
    assert [each for each in written if unicodedata.category(each) in ("Cc", "Cs")] == []
    assert not set(written) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def test_an_error_is_no_markup_either() -> None:
    error = EngineError(say("[red]bad[/nonsense]\x1b[2J"), hint=say("see [link=http://x]here"))
    rows = seen(lambda renderer: renderer.error(error), CHINESE)
    assert rows == ["错误：[red]bad[/nonsense]", "see [link=http://x]here"]


def test_the_sign_of_waiting_goes_with_the_first_piece() -> None:
    def draw(renderer: RichRenderer) -> None:
        renderer.begin_reply()
        renderer.waiting("", 0.1)
        renderer.waiting("", 5.0)
        renderer.piece("Hello.")
        renderer.end_reply()

    assert seen(draw) == ["Hello."]


def test_loading_is_one_line_that_goes() -> None:
    snapshot = Snapshot(Stage.LOAD, 14_600_000_000, 7_300_000_000)
    file = TerminalFile()
    RichRenderer(file, ENGLISH).loading(snapshot)
    assert "7.3 GB of 14.6 GB" in file.getvalue()

    def draw(renderer: RichRenderer) -> None:
        renderer.loading(snapshot)
        renderer.waiting_over()

    assert seen(draw) == []


@pytest.mark.parametrize(
    ("done_bytes", "room", "parts"),
    [(0, 80, ("", "─" * 24)), (100, 80, ("━" * 24, "")), (50, 10, ("━" * 5, "─" * 5))],
)
def test_a_bar_is_as_long_as_there_is_room(
    done_bytes: int, room: int, parts: tuple[str, str]
) -> None:
    assert bar(Snapshot(Stage.LOAD, 100, done_bytes), room) == parts
    assert bar(Snapshot(Stage.LOAD, 100, done_bytes), 5) == ("", "")
    assert bar(Snapshot(), room) == ("", "")


def test_the_same_line_is_not_drawn_twice() -> None:
    file = TerminalFile()
    renderer = RichRenderer(file, ENGLISH)
    renderer.loading(Snapshot(Stage.LOAD, 100, 50))
    drawn = len(file.getvalue())
    renderer.loading(Snapshot(Stage.LOAD, 100, 50))
    assert len(file.getvalue()) == drawn


def test_the_welcome_names_model_precision_and_device_and_how_to_leave() -> None:
    description = ModelDescription("xverse/XVERSE-7B-Chat\x1b[2J", "int4", "cuda:0", 0)
    rows = seen(lambda renderer: renderer.welcome(description))
    assert rows[0] == "xverse/XVERSE-7B-Chat · int4 · cuda:0"
    assert "/exit" in rows[1]


def test_a_size_in_the_environment_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    assert len(seen(reply("字" * 40, finish=None))) == 1


def test_a_table_of_wide_names_is_aligned() -> None:
    rows = seen(lambda renderer: renderer.table("按键", [("回车", "发送"), ("Ctrl-C", "停止")]))
    assert rows == ["按键", "  回车    发送", "  Ctrl-C  停止"]


def test_what_is_said_in_chinese_is_broken_as_chinese_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.get_terminal_size", lambda _: os.terminal_size((20, 24)))
    said = "请先用 /new 开始新的对话，再试一次。\n第二行"
    rows = seen(lambda renderer: renderer.notice(said), columns=20)
    assert rows == ["请先用 /new 开始新的", "对话，再试一次。", "第二行"]


def test_a_table_breaks_meanings_in_their_column_or_below_the_names(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows = [("/save", "保存这次对话，以便以后继续。")]
    for columns, lines in (
        (29, ["  /save  保存这次对话，以便以", "         后继续。"]),
        (24, ["  /save", "    保存这次对话，以便以", "    后继续。"]),
    ):
        size = os.terminal_size((columns, 24))
        monkeypatch.setattr("os.get_terminal_size", lambda _, size=size: size)
        assert seen(lambda r: r.table("命令", rows), columns=columns) == ["命令", *lines]


def test_names_in_a_table_cannot_act_on_the_terminal() -> None:
    rows = [("a\x1b[2Jb\n", "c\x1b]0;x\x07d\ne"), ("", "f")]
    assert seen(lambda renderer: renderer.table("[x]\x1b[H", rows)) == [
        *("[x]", "  ab  cd", "      e", "      f")
    ]
