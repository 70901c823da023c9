"""Writing a message in the user's own editor. Standard library only."""

import os
import shlex
import subprocess
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from xverse_chat.chat.clean import clean_text
from xverse_chat.errors import DiskError, UsageError
from xverse_chat.wording import say, system_reason

# Where neither variable names one: the first that there is.
_USUAL = ("editor", "nano", "vim", "vi")


def edit_text(text: str, environment: Mapping[str, str]) -> str:
    """Return ``text`` as the user's editor left it, without the line end that editors add.

    $VISUAL goes before $EDITOR. Takes as long as the editor is open, and gives it the terminal.
    Raises UsageError where it cannot be run or ends with an error, DiskError where the text
    cannot be handed over.
    """
    try:
        descriptor, name = tempfile.mkstemp(prefix="xverse-chat-", suffix=".md")
    except OSError as error:
        raise _no_file(error) from error
    path = Path(name)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
            file.write(clean_text(text))
        _run([*_command(environment), name])
        edited = path.read_bytes().decode("utf-8", "replace")
    except OSError as error:
        raise _no_file(error) from error
    finally:
        with suppress(OSError):
            path.unlink()
    return edited.replace("\r\n", "\n").replace("\r", "\n").removesuffix("\n")


def _command(environment: Mapping[str, str]) -> list[str]:
    wanted = environment.get("VISUAL") or environment.get("EDITOR")
    if wanted:
        with suppress(ValueError):  # a quote that is never closed: taken as it is
            return shlex.split(wanted) or [wanted]
        return [wanted]
    folders = os.get_exec_path(dict(environment))
    for name in _USUAL:
        if any(os.access(Path(folder) / name, os.X_OK) for folder in folders):
            return [name]
    raise UsageError(
        say("There is no editor here."), hint=say("The variable EDITOR says which one to use.")
    )


def _run(command: list[str]) -> None:
    try:
        code = subprocess.run(command, check=False).returncode
    except OSError as error:
        raise UsageError(
            say(
                "The editor {command!r} cannot be run: {reason}.",
                command=command[0],
                reason=system_reason(error),
            ),
            hint=say("The variables VISUAL and EDITOR say which one to use."),
        ) from error
    if code:
        raise UsageError(
            say(
                "The editor {command!r} ended with code {code}; the text is as it was before.",
                command=Path(command[0]).name,
                code=code,
            )
        )


def _no_file(error: OSError) -> DiskError:
    return DiskError(
        say("The text cannot be handed to an editor: {reason}.", reason=system_reason(error))
    )
