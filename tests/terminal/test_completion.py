import pytest
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document

from xverse_chat.terminal.completion import CommandCompleter
from xverse_chat.terminal.texts import ENGLISH


@pytest.mark.parametrize(
    ("typed", "names"),
    [
        ("/", ["/help", "/new", "/lang", "/exit"]),
        ("/N", ["/new"]),
        ("／e", ["/exit"]),
        ("hello /", []),
        ("/help x", []),
        ("", []),
    ],
)
def test_the_names_of_commands_are_completed(typed: str, names: list[str]) -> None:
    completions = CommandCompleter(ENGLISH).get_completions(Document(typed), CompleteEvent())
    assert [completion.text for completion in completions] == names
