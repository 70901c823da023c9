"""How a command ends: one paragraph for an error, and the exit code that belongs to it."""

import json
import os
import re
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import NoReturn, TextIO

from xverse_chat.errors import INTERRUPTED_EXIT_CODE, DiskError, XverseChatError
from xverse_chat.terminal.sanitise import sanitise
from xverse_chat.terminal.texts import Texts
from xverse_chat.wording import say, system_reason

# As a shell tells of tools like cat and grep whose reader went away.
CLOSED_PIPE_EXIT_CODE = 128 + signal.SIGPIPE

# DEL, C1, bidi overrides and isolates: json.dumps escapes C0 and leaves these.
_ACTS_ON_TERMINALS = re.compile("[\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


@contextmanager
def ending_well(texts: Texts, *, as_json: bool = False) -> Iterator[None]:
    """Turn an error raised inside into its paragraph on stderr and its exit code.

    ``as_json`` puts it on stdout as one JSON object instead. A closed pipe is quiet.
    """
    try:
        yield
        sys.stdout.flush()
    except XverseChatError as error:
        _end(error, texts, as_json=as_json)
    except KeyboardInterrupt as error:
        raise SystemExit(INTERRUPTED_EXIT_CODE) from error
    except BrokenPipeError:
        _leave_quietly()
    except OSError as error:
        reason = system_reason(error)
        if error.filename is None:  # writing to what is open already: it was stdout
            failure = DiskError(say("The output could not be written: {reason}.", reason=reason))
        else:
            failure = DiskError(say("{path}: {reason}.", path=error.filename, reason=reason))
        _end(failure, texts, as_json=as_json)


def prepare_streams() -> None:
    """Make stdout and stderr take any text, whatever the locale says.

    Raises DiskError when stdout is closed: a file opened later would take its place.
    """
    is_closed = sys.stdout is None
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(encoding="utf-8", errors="replace")
    if is_closed:
        raise DiskError(say("There is nowhere to write to: stdout is closed."))


def write_json(value: object) -> None:
    """Write one line of JSON to stdout: Chinese as Chinese, nothing that acts on a terminal."""
    text = json.dumps(value, ensure_ascii=False)
    sys.stdout.write(_ACTS_ON_TERMINALS.sub(lambda found: f"\\u{ord(found[0]):04x}", text) + "\n")
    sys.stdout.flush()


def write_note(text: str, texts: Texts) -> None:
    """Write one line to stderr, in the user's language."""
    sys.stderr.write(f"{sanitise(texts.told(text))}\n")


def _end(error: XverseChatError, texts: Texts, *, as_json: bool) -> NoReturn:
    """Say what is wrong and what to do next, and end with the error's exit code."""
    try:
        if as_json:
            _write_failure(error)
        else:
            _write_paragraph(error, texts)
    except BrokenPipeError:
        _leave_quietly()
    except OSError:  # stdout takes nothing: the reason is worth saying all the same
        _drop_what_is_left(sys.stdout)
        if as_json:
            _write_paragraph(error, texts)
    _drop_unless_flushed(sys.stdout)
    raise SystemExit(error.exit_code) from error


def _write_failure(error: XverseChatError) -> None:
    # In English whatever the language: programs read it.
    message, hint = sanitise(str(error.message)), sanitise(str(error.hint))
    write_json({"error": {"message": message, "hint": hint, "exit_code": error.exit_code}})


def _write_paragraph(error: XverseChatError, texts: Texts) -> None:
    space = "" if texts.language == "zh" else " "
    parts = (sanitise(texts.told(part)) for part in (error.message, error.hint) if part)
    sys.stderr.write(f"{space.join(parts)}\n")


def _leave_quietly() -> NoReturn:
    """End after a reader went away, without Python's own complaint about it."""
    _drop_what_is_left(sys.stdout)
    raise SystemExit(CLOSED_PIPE_EXIT_CODE)


def _drop_unless_flushed(stream: TextIO) -> None:
    """See that Python does not fail at its very end, when it writes what is left."""
    try:
        stream.flush()
    except OSError:
        _drop_what_is_left(stream)


def _drop_what_is_left(stream: TextIO) -> None:
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
