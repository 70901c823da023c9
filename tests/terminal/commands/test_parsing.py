import pytest

from xverse_chat.terminal.commands.parsing import Invocation, Unknown, as_typed, parse
from xverse_chat.terminal.entry import Entry


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
        ("/read notes and more.txt", "/read"),
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
    assert parse("/retyr") == Unknown("/retyr", "/retry")
    assert parse("/zzzz") == Unknown("/zzzz", None)


@pytest.mark.parametrize(
    ("entry", "typed"),
    [
        (Entry("hello"), "hello"),
        (Entry("/new"), "/new"),
        (Entry("/new", pasted=True), "//new"),
        (Entry("/etc/passwd", pasted=True), "//etc/passwd"),
        (Entry("/new\nof two lines", pasted=True), "/new\nof two lines"),
    ],
)
def test_what_is_remembered_means_the_same_when_it_is_typed(entry: Entry, typed: str) -> None:
    assert as_typed(entry) == typed
    assert parse(typed) == parse(entry.text, pasted=entry.pasted)
