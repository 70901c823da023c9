"""The line editor, fed with the bytes of keys, without a screen."""

import threading
from collections.abc import Callable, Iterator

import pytest
from prompt_toolkit.application import create_app_session
from prompt_toolkit.input import PipeInput, create_pipe_input
from prompt_toolkit.output import DummyOutput

from tests.pseudo_terminal import (
    ALT_ENTER,
    BACKSPACE,
    CTRL_C,
    CTRL_D,
    CTRL_J,
    ENTER,
    LEFT,
    UP,
    pasted,
)
from tests.scripted import ScriptedBackend
from tests.terminal.desk import Screen
from xverse_chat.chat.loading import Loading
from xverse_chat.errors import EngineError
from xverse_chat.progress import Progress
from xverse_chat.terminal.completion import CommandCompleter
from xverse_chat.terminal.editor import LineEditor
from xverse_chat.terminal.entry import MAX_MESSAGE_BYTES, Departure, Entry
from xverse_chat.terminal.foot import Foot
from xverse_chat.terminal.history_file import HistoryFile
from xverse_chat.terminal.status_line import Status
from xverse_chat.terminal.tally import ProgressTally
from xverse_chat.terminal.texts_english import ENGLISH
from xverse_chat.wording import say


@pytest.fixture
def keys() -> Iterator[PipeInput]:
    with create_pipe_input() as keys, create_app_session(input=keys, output=DummyOutput()):
        yield keys


def loaded(progress: Progress) -> ScriptedBackend:
    return ScriptedBackend()


def editor(
    load: Callable[[Progress], ScriptedBackend] = loaded,
    announced: list[str] | None = None,
    history: HistoryFile | None = None,
) -> LineEditor:
    tally = ProgressTally()
    loading = Loading(load, tally)
    loading.start()
    if load is loaded:
        loading.wait(10)
    said = [] if announced is None else announced
    return LineEditor(
        ENGLISH,
        loading,
        Foot(ENGLISH, loading, tally, lambda: Status("model", "int4")),
        completer=CommandCompleter(Screen().desk),
        history=history,
        begin=lambda: said.append("begun"),
        has_news=lambda: True,
        announce=lambda: said.append("loaded"),
    )


def send_aside(keys: PipeInput, text: str) -> None:
    """Send more than a pipe holds: somebody has to read meanwhile."""
    threading.Thread(target=keys.send_text, args=(text,)).start()


@pytest.mark.parametrize(
    ("typed", "text"),
    [
        ("你好" + ENTER, "你好"),
        ("请翻译以下文字" + BACKSPACE * 2 + LEFT * 2 + "好" + ENTER, "请翻译好以下"),
        ("a" + ALT_ENTER + "b" + ENTER, "a\nb"),
        ("a" + CTRL_J + "b" + ENTER, "a\nb"),
        ("a\\" + ENTER + "b" + ENTER, "a\nb"),
        (" " + ENTER + "b" + ENTER, " b"),
        ("gone" + CTRL_C + "kept" + ENTER, "kept"),
        ("ab" + LEFT + CTRL_D + ENTER, "a"),
        ("a👩‍👩‍👧" + BACKSPACE + "x" + ENTER, "ax"),
    ],
)
def test_what_is_typed_is_what_is_sent(typed: str, text: str, keys: PipeInput) -> None:
    keys.send_text(typed)
    assert editor().read() == Entry(text)


def test_a_paste_stays_one_message_and_is_marked(keys: PipeInput) -> None:
    keys.send_text(pasted("/exit\r\ntwo\rthree\n") + "typed" + ENTER)
    assert editor().read() == Entry("/exit\ntwo\nthree\ntyped", pasted=True)


def test_a_paste_that_was_cleared_marks_nothing(keys: PipeInput) -> None:
    keys.send_text(pasted("x") + BACKSPACE + "/exit" + ENTER)
    assert editor().read() == Entry("/exit")


def test_bytes_that_are_no_text_become_replacement_characters(keys: PipeInput) -> None:
    keys.send_bytes(b"a\xe5b" + ENTER.encode())
    assert editor().read() == Entry("a\ufffdb")


def test_a_paste_over_the_limit_inserts_nothing(keys: PipeInput) -> None:
    send_aside(keys, "kept" + pasted("好" * (MAX_MESSAGE_BYTES // 3)) + ENTER)
    assert editor().read() == Entry("kept")


def test_a_paste_up_to_the_limit_is_taken_whole(keys: PipeInput) -> None:
    text = "x" * MAX_MESSAGE_BYTES
    send_aside(keys, pasted(text) + ENTER)
    entry = editor().read()
    is_whole = entry == Entry(text, pasted=True)  # the difference of two such texts takes hours
    assert is_whole, repr(entry)[:100]


def test_the_up_arrow_brings_the_last_message_back(keys: PipeInput) -> None:
    same = editor()
    keys.send_text("first" + ENTER)
    same.read()
    keys.send_text(UP + "!" + ENTER)
    assert same.read() == Entry("first!")


def test_the_end_of_input_leaves_with_zero(keys: PipeInput) -> None:
    keys.send_text(CTRL_D)
    assert editor().read() == Departure(0)


def test_two_interrupts_on_an_empty_line_leave(keys: PipeInput) -> None:
    keys.send_text("text" + CTRL_C + CTRL_C + CTRL_C)
    assert editor().read() == Departure(130)


def test_one_interrupt_on_an_empty_line_does_not_leave(keys: PipeInput) -> None:
    keys.send_text(CTRL_C + "on" + ENTER)
    assert editor().read() == Entry("on")


def test_an_interrupt_while_loading_leaves_also_with_text_in_the_line(keys: PipeInput) -> None:
    over = threading.Event()

    def load(progress: Progress) -> ScriptedBackend:
        over.wait(30)
        return ScriptedBackend()

    keys.send_text("text" + CTRL_C)
    assert editor(load).read() == Departure(130)
    over.set()


def test_a_failure_to_load_ends_the_reading(keys: PipeInput) -> None:
    begun = threading.Event()

    def load(progress: Progress) -> ScriptedBackend:
        begun.wait(30)
        raise EngineError(say("no such weights"))

    failing = editor(load)
    threading.Timer(0.3, begun.set).start()
    with pytest.raises(EngineError, match="no such weights"):
        failing.read()
    with pytest.raises(EngineError, match="no such weights"):
        failing.read()


def test_the_line_begins_the_loading_once_and_announces_its_end_once(keys: PipeInput) -> None:
    announced: list[str] = []
    same = editor(announced=announced)
    for _ in range(2):
        threading.Timer(0.3, keys.send_text, args=("x" + ENTER,)).start()
        same.read()
    assert announced == ["begun", "loaded"]
