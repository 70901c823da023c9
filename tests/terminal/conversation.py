"""Start the scripted conversation in a pseudo-terminal, wait for its prompt, ask."""

import json
import sys
from pathlib import Path
from typing import Any, Protocol

from tests.program import ROOT, environment
from tests.pseudo_terminal import ENTER, PseudoTerminal

LONG = list("一二三四五六七八九十" * 50)
PROGRAM = [sys.executable, "-m", "tests.terminal.scripted_program"]


class Start(Protocol):
    def __call__(self, *, columns: int = 80, rows: int = 24, **script: Any) -> PseudoTerminal: ...


def starter(home: Path) -> Start:
    """Return what starts the program; ``script`` tells its model what to do."""

    def begin(*, columns: int = 80, rows: int = 24, **script: Any) -> PseudoTerminal:
        variables = environment(home, PYTHONPATH=f"{ROOT / 'src'}:{ROOT}")
        return PseudoTerminal(
            [*PROGRAM, json.dumps(script)], environment=variables, columns=columns, rows=rows
        )

    return begin


def wait_for_prompt(terminal: PseudoTerminal, timeout_s: float = 20) -> float:
    """Wait until the cursor stands behind an empty prompt."""
    return terminal.wait_until(
        lambda: terminal.lines[terminal.cursor[0]] == ">", "an empty prompt", timeout_s=timeout_s
    )


def ask(terminal: PseudoTerminal, question: str) -> None:
    wait_for_prompt(terminal)
    terminal.type(question + ENTER)
