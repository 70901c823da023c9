import io

import pytest

from xverse_chat.chat.backend import Message
from xverse_chat.chat.session import Session
from xverse_chat.terminal.commands import (
    COMMANDS,
    Desk,
    Invocation,
    Unknown,
    invoke,
    parse,
    report_unknown,
)
from xverse_chat.terminal.current_texts import CurrentTexts
from xverse_chat.terminal.plain_renderer import PlainRenderer
from xverse_chat.terminal.texts import CHINESE, ENGLISH, Texts


def desk(language: Texts = ENGLISH) -> tuple[Desk, io.StringIO]:
    screen, texts = io.StringIO(), CurrentTexts.of(language.language)
    return Desk(Session("be kind"), PlainRenderer(screen, texts), texts), screen


def called(line: str) -> str:
    meant = parse(line)
    assert isinstance(meant, Invocation), meant
    return meant.command.name


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("/help", "/help"),
        ("  /HELP new ", "/help"),
        ("／help", "/help"),
        ("、new", "/new"),
        ("/exit", "/exit"),
        ("/quit", "/exit"),
        ("/bye", "/exit"),
        ("exit", "/exit"),
        ("Quit ", "/exit"),
    ],
)
def test_a_typed_line_calls_a_command(line: str, name: str) -> None:
    assert called(line) == name


@pytest.mark.parametrize(
    "line", ["hello", "exit now", "a /help", "什么是 exit", "、这是顿号", "1/2", "x\n/exit"]
)
def test_anything_else_is_a_message(line: str) -> None:
    assert parse(line) == line


@pytest.mark.parametrize("line", ["/exit", "exit", "/nonsense"])
def test_what_was_pasted_is_never_a_command(line: str) -> None:
    assert parse(line, pasted=True) == line


def test_two_slashes_send_one() -> None:
    assert parse("//etc/passwd") == "/etc/passwd"


def test_a_mistyped_command_names_the_nearest() -> None:
    assert parse("/hlep") == Unknown("/hlep", "/help")
    assert parse("/zzzz") == Unknown("/zzzz", None)


def test_an_unknown_command_is_told_without_its_escapes() -> None:
    at, screen = desk()
    report_unknown(Unknown("/he\x1b[2Jlp", "/help"), at)
    assert "\x1b" not in screen.getvalue()
    assert "Did you mean /help?" in screen.getvalue()


@pytest.mark.parametrize("texts", [ENGLISH, CHINESE], ids=["en", "zh"])
def test_help_lists_every_command_in_the_language_of_the_user(texts: Texts) -> None:
    at, screen = desk(texts)
    invoke(Invocation(COMMANDS[0], ""), at)
    for command in COMMANDS:
        assert f"{command.usage}: {command.help(texts)}" in screen.getvalue()


def test_help_explains_one_command() -> None:
    at, screen = desk()
    invoke(Invocation(COMMANDS[0], "new"), at)
    assert screen.getvalue().startswith("/new  start a new conversation")


def test_help_for_no_command_says_so() -> None:
    at, screen = desk()
    invoke(Invocation(COMMANDS[0], "exot"), at)
    assert "Did you mean /exit?" in screen.getvalue()


def test_help_names_no_key_that_the_line_editor_lacks() -> None:
    at, screen = desk()
    at.has_keys = False
    invoke(Invocation(COMMANDS[0], ""), at)
    assert "Alt-Enter" not in screen.getvalue()


def test_new_forgets_what_was_said_and_keeps_the_system_text() -> None:
    at, _ = desk()
    at.session.append(Message("user", "hi"))
    meant = parse("/new")
    assert isinstance(meant, Invocation)
    invoke(meant, at)
    assert at.session.messages == (Message("system", "be kind"),)


def test_an_argument_that_is_not_taken_ends_nothing() -> None:
    at, screen = desk()
    meant = parse("/exit 5")
    assert isinstance(meant, Invocation)
    invoke(meant, at)
    assert at.exit_code is None
    assert "/exit takes nothing after it." in screen.getvalue()


def test_exit_leaves_with_zero() -> None:
    at, _ = desk()
    meant = parse("exit")
    assert isinstance(meant, Invocation)
    invoke(meant, at)
    assert at.exit_code == 0


@pytest.mark.parametrize(
    ("line", "said"), [("/lang zh", "界面语言"), ("/lang EN", "speaks English")]
)
def test_lang_switches_what_is_said_from_then_on(line: str, said: str) -> None:
    at, screen = desk(CHINESE if line.endswith("EN") else ENGLISH)
    meant = parse(line)
    assert isinstance(meant, Invocation)
    invoke(meant, at)
    assert said in screen.getvalue()
    report_unknown(Unknown("/x", None), at)
    assert ("没有 /x" in screen.getvalue()) == line.endswith("zh")


@pytest.mark.parametrize("line", ["/lang", "/lang fr"])
def test_lang_without_a_language_names_those_there_are(line: str) -> None:
    at, screen = desk()
    meant = parse(line)
    assert isinstance(meant, Invocation)
    invoke(meant, at)
    assert screen.getvalue() == "Say which language: en zh.\n"
    assert at.texts.language == "en"
