"""``/help /lang /exit``: the program itself."""

from collections.abc import Iterable, Sequence

from xverse_chat.terminal.commands.command import Candidate, Command, Desk, Group
from xverse_chat.terminal.texts import TEXTS
from xverse_chat.wording import say


def show_help(desk: Desk, groups: Sequence[Group]) -> None:
    """List the commands, then the keys."""
    texts, renderer = desk.texts, desk.renderer
    for group in groups:
        renderer.table(
            texts.told(group.heading),
            [(row.usage(texts), texts.told(row.help)) for row in group.commands],
        )
    keys = [
        (texts.key_enter_name, texts.key_enter),
        (texts.key_newline_name, texts.key_newline)
        if desk.has_keys
        else (texts.key_backslash_name, texts.key_backslash),
        ("Ctrl-C", texts.key_interrupt),
        ("Ctrl-D", texts.key_end),
        ("//", texts.key_slash),
    ]
    if desk.has_keys:
        keys[2:2] = [
            (texts.key_history_name, texts.key_history),
            ("Ctrl-R", texts.key_search),
            ("Ctrl-X Ctrl-E", texts.key_editor),
            ("Tab", texts.key_complete),
        ]
    renderer.table(texts.help_keys, keys)


def explain(desk: Desk, command: Command) -> None:
    """Say what one command does."""
    texts = desk.texts
    desk.renderer.notice(f"{command.usage(texts)}  {texts.told(command.help)}")


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
