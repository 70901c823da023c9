"""How a command ends: one paragraph for an error, and the exit code that belongs to it."""

import json
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

from xverse_chat.errors import DiskError, XverseChatError

INTERRUPTED_EXIT_CODE = 130

# DEL, C1, bidi overrides and isolates: json.dumps escapes C0 and leaves these.
_ACTS_ON_TERMINALS = re.compile("[\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


@contextmanager
def ending_well(*, as_json: bool = False) -> Iterator[None]:
    """Turn an error raised inside into its paragraph on stderr and its exit code.

    ``as_json`` puts it on stdout as one JSON object instead. A closed pipe is quiet.
    """
    try:
        yield
        sys.stdout.flush()
    except XverseChatError as error:
        report(error, as_json=as_json)
        raise SystemExit(error.exit_code) from error
    except KeyboardInterrupt as error:
        raise SystemExit(INTERRUPTED_EXIT_CODE) from error
    except BrokenPipeError:
        leave_quietly()
    except OSError as error:
        failure = DiskError(f"{error.filename or 'A file'}: {error.strerror}.")
        report(failure, as_json=as_json)
        raise SystemExit(failure.exit_code) from error


def report(error: XverseChatError, *, as_json: bool) -> None:
    """Say what is wrong and what to do next."""
    from xverse_chat.terminal.sanitise import sanitise

    message, hint = sanitise(error.message), sanitise(error.hint)
    if as_json:
        failure = {"message": message, "hint": hint, "exit_code": error.exit_code}
        write_json({"error": failure})
    else:
        sys.stderr.write(f"{f'{message} {hint}'.strip()}\n")


def write_json(value: object) -> None:
    """Write one line of JSON to stdout: Chinese as Chinese, nothing that acts on a terminal."""
    text = json.dumps(value, ensure_ascii=False)
    sys.stdout.write(_ACTS_ON_TERMINALS.sub(lambda found: f"\\u{ord(found[0]):04x}", text) + "\n")
    sys.stdout.flush()


def leave_quietly() -> NoReturn:
    """End after the reader of stdout went away, without Python's own complaint about it."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    raise SystemExit(1)


def use_utf8() -> None:
    """Make stdout and stderr take any text, whatever the locale says."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(encoding="utf-8", errors="replace")
