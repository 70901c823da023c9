"""``/lang /exit`` and the keys: the program itself."""

from collections.abc import Iterable

from xverse_chat.terminal.commands.command import Candidate, Command, Desk
from xverse_chat.terminal.languages import TEXTS
from xverse_chat.wording import say


def show_keys(desk: Desk) -> None:
    """List the keys that the line editor knows here."""
    texts = desk.texts
    keys = [
        (texts.key_enter_name, texts.key_enter),
        (texts.key_newline_name, texts.key_newline)
        if desk.has_keys
        else (texts.key_backslash_name, texts.key_backslash),
        (texts.key_history_name, texts.key_history),
        ("Ctrl-C", texts.key_interrupt),
        ("Ctrl-D", texts.key_end),
        ("//", texts.key_slash),
    ]
    if desk.has_keys:
        keys[3:3] = [
            ("Ctrl-R", texts.key_search),
            ("Ctrl-X Ctrl-E", texts.key_editor),
            ("Tab", texts.key_complete),
        ]
    desk.renderer.table(texts.help_keys, keys)


def _set_language(desk: Desk, argument: str) -> None:
    chosen = next((language for language in TEXTS if language == argument.lower()), None)
    if chosen is None:
        desk.renderer.notice(desk.texts.language_unknown.format(known=" ".join(TEXTS)))
    else:
        desk.texts.switch(chosen)
        desk.renderer.notice(desk.texts.language_switched)


def _languages(desk: Desk, typed: str) -> Iterable[Candidate]:
    return (Candidate(language) for language in TEXTS)


def _leave(desk: Desk, argument: str) -> None:
    desk.exit_code = 0


LANGUAGE = Command(
    name="/lang",
    run=_set_language,
    help=say("speak Chinese or English from now on"),
    argument=say("LANGUAGE"),
    candidates=_languages,
)
EXIT = Command(
    name="/exit",
    run=_leave,
    help=say("leave; so do exit, quit, /quit and /bye"),
    aliases=("/quit", "/bye"),
    words=("exit", "quit"),
)
