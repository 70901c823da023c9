import io

from xverse_chat.chat.backend import Finish, Timings, Usage
from xverse_chat.terminal.current_texts import CurrentTexts
from xverse_chat.terminal.screen_reader_renderer import ScreenReaderRenderer
from xverse_chat.terminal.texts import Texts
from xverse_chat.terminal.texts_chinese import CHINESE
from xverse_chat.terminal.texts_english import ENGLISH

FINISH = Finish("stop", Usage(5, 12), Timings(1.0, 0.1, 0.25, None))


def written(*pieces: str, texts: Texts = ENGLISH) -> list[str]:
    """Return the lines of one reply."""
    file = io.StringIO()
    renderer = ScreenReaderRenderer(file, texts)
    renderer.begin_reply()
    for piece in pieces:
        renderer.piece(piece)
    renderer.end_reply()
    return file.getvalue().splitlines()


def test_the_speaker_is_named_once_and_a_line_says_what_it_took() -> None:
    file = io.StringIO()
    renderer = ScreenReaderRenderer(file, CHINESE)
    for _ in range(2):
        renderer.begin_reply()
        renderer.piece("第一段。\n\n第二段。")
        renderer.end_reply("", FINISH)
    assert (
        file.getvalue().splitlines()
        == [
            *("模型：第一段。", "第二段。", "12 个 token · 0.25 秒后开始"),
        ]
        * 2
    )


def test_a_paragraph_is_written_when_it_is_whole() -> None:
    file = io.StringIO()
    renderer = ScreenReaderRenderer(file, ENGLISH)
    renderer.begin_reply()
    for piece in "one two\n":
        renderer.piece(piece)
    assert file.getvalue() == ""
    renderer.piece("\nth")
    assert file.getvalue() == "Model: one two\n"
    renderer.piece("ree")
    renderer.end_reply("(interrupted)")
    assert file.getvalue() == "Model: one two\nthree\n(interrupted)\n"


def test_a_reply_in_which_nothing_was_said_names_no_speaker() -> None:
    assert written() == []


def test_what_acts_on_a_terminal_is_not_written() -> None:
    assert written("a\x1b[2", "Jb &#27;[2J &#13;c") == ["Model: ab \ufffd[2J c"]


def test_an_open_sequence_swallows_nothing_of_the_next_reply() -> None:
    file = io.StringIO()
    renderer = ScreenReaderRenderer(file, ENGLISH)
    for piece in ("\x1b]52;c;", "second"):
        renderer.begin_reply()
        renderer.piece(piece)
        renderer.end_reply()
    assert file.getvalue() == "Model: second\n"


def test_forms_are_told_in_the_language_of_now() -> None:
    file = io.StringIO()
    texts = CurrentTexts.of("en")
    renderer = ScreenReaderRenderer(file, texts)
    for language in ("en", "zh"):
        texts.switch(language)
        renderer.begin_reply()
        renderer.piece("# One")
        renderer.end_reply()
    assert file.getvalue() == "Model: Heading: One\n模型：标题：One\n"
