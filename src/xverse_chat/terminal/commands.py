"""The slash commands: one table that makes dispatch, ``/help`` and completion."""

import difflib
from collections.abc import Callable
from dataclasses import dataclass, field

from xverse_chat.chat.attachment import Attachment
from xverse_chat.chat.session import Session
from xverse_chat.terminal.current_texts import CurrentTexts
from xverse_chat.terminal.renderer import Renderer
from xverse_chat.terminal.texts import TEXTS, Texts

# What an input method for Chinese types for the slash key.
SLASHES = ("/", "／", "、")


@dataclass(slots=True)
class Desk:
    """What a command works on.

    ``attachments`` go into the next message that stays in the conversation.
    ``has_keys`` where the line editor knows more keys than a plain line does; ``exit_code`` is
    set by the command that ends the conversation.
    """

    session: Session
    renderer: Renderer
    texts: CurrentTexts
    has_keys: bool = True
    exit_code: int | None = None
    attachments: list[Attachment] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Command:
    """One row of the table. ``words`` are whole lines that mean the same without a slash."""

    name: str
    run: Callable[[Desk, str], None]
    help_en: str
    help_zh: str
    argument: str = ""
    aliases: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    edits_session: bool = False

    @property
    def usage(self) -> str:
        """How it is typed."""
        return f"{self.name} {self.argument}".rstrip()

    def help(self, texts: Texts) -> str:
        """What it does, in the language of the texts."""
        return self.help_zh if texts.language == "zh" else self.help_en


@dataclass(frozen=True, slots=True)
class Invocation:
    """A line that calls a command."""

    command: Command
    argument: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """A line that looks like a command and is none."""

    word: str
    suggestion: str | None


def parse(text: str, *, pasted: bool = False) -> str | Invocation | Unknown:
    """Return the message a line is, or the command it calls.

    Only one typed line can be a command; ``//`` stands for a slash that begins a message.
    """
    line = text.strip()
    if pasted or "\n" in line:
        return text
    if line.startswith("//"):
        return line[1:]
    word, _, argument = line.partition(" ")
    command = _find(word) if word[:1] in SLASHES else _find_word(line)
    if command is not None:
        return Invocation(command, argument.strip() if word[:1] in SLASHES else "")
    if line.startswith("/"):
        return Unknown(word, _nearest(word))
    return text


def invoke(invocation: Invocation, desk: Desk) -> None:
    """Run a command, unless it was given an argument that it does not take."""
    command = invocation.command
    if invocation.argument and not command.argument:
        desk.renderer.notice(desk.texts.no_argument.format(name=command.name))
    else:
        command.run(desk, invocation.argument)


def report_unknown(unknown: Unknown, desk: Desk) -> None:
    """Say that there is no such command, and which one may have been meant."""
    texts = desk.texts
    said = [texts.unknown_command.format(word=unknown.word)]
    if unknown.suggestion is not None:
        said.append(texts.did_you_mean.format(name=unknown.suggestion))
    desk.renderer.notice(" ".join(said) + "\n" + texts.see_help)


def _show_help(desk: Desk, argument: str) -> None:
    texts, renderer = desk.texts, desk.renderer
    if argument:
        command = _find("/" + argument.lstrip("/"))
        if command is None:
            report_unknown(Unknown(argument, _nearest("/" + argument.lstrip("/"))), desk)
        else:
            renderer.notice(f"{command.usage}  {command.help(texts)}")
        return
    renderer.table(texts.help_commands, [(row.usage, row.help(texts)) for row in COMMANDS])
    renderer.table(
        texts.help_keys,
        [
            (texts.key_enter_name, texts.key_enter),
            (texts.key_newline_name, texts.key_newline)
            if desk.has_keys
            else (texts.key_backslash_name, texts.key_backslash),
            ("Ctrl-C", texts.key_interrupt),
            ("Ctrl-D", texts.key_end),
            ("//", texts.key_slash),
        ],
    )


def _start_anew(desk: Desk, argument: str) -> None:
    desk.session.clear()
    desk.attachments.clear()
    desk.renderer.notice(desk.texts.new_conversation)


def _set_language(desk: Desk, argument: str) -> None:
    chosen = next((language for language in TEXTS if language == argument.lower()), None)
    if chosen is None:
        desk.renderer.notice(desk.texts.language_unknown.format(known=" ".join(TEXTS)))
    else:
        desk.texts.switch(chosen)
        desk.renderer.notice(desk.texts.language_switched)


def _leave(desk: Desk, argument: str) -> None:
    desk.exit_code = 0


COMMANDS = (
    Command(
        "/help",
        _show_help,
        "list the commands and keys, or explain one command",
        "列出命令和按键，或说明某个命令",
        argument="[COMMAND]",
    ),
    Command(
        "/new",
        _start_anew,
        "start a new conversation; the system text stays",
        "开始新的对话；系统提示保留",
        edits_session=True,
    ),
    Command(
        "/lang",
        _set_language,
        "speak Chinese or English from now on",
        "切换界面语言：中文或英文",
        argument="zh|en",
    ),
    Command(
        "/exit",
        _leave,
        "leave; so do exit, quit, /quit and /bye",
        "退出；exit、quit、/quit、/bye 也可以",
        aliases=("/quit", "/bye"),
        words=("exit", "quit"),
    ),
)


def _find(word: str) -> Command | None:
    name = "/" + word[1:].lower()
    return next((row for row in COMMANDS if name == row.name or name in row.aliases), None)


def _find_word(line: str) -> Command | None:
    return next((row for row in COMMANDS if line.lower() in row.words), None)


def _nearest(word: str) -> str | None:
    names = [name for row in COMMANDS for name in (row.name, *row.aliases)]
    return next(iter(difflib.get_close_matches(word.lower(), names, n=1, cutoff=0.5)), None)
