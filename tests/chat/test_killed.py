"""What is left of conversations that were killed, or that several programs went on with."""

import subprocess
import sys
from pathlib import Path

from tests.program import ROOT, environment

PROGRAM = [sys.executable, "-m", "tests.chat.killed_program"]


def outcome(work: str, folder: Path, count: int) -> list[str]:
    """Return what the program found to tell of."""
    variables = environment(folder, PYTHONPATH=f"{ROOT / 'src'}:{ROOT}")
    ended = subprocess.run(
        [*PROGRAM, work, str(folder / "conversations"), str(count)],
        env=variables,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    return ended.stdout.splitlines()


def test_a_conversation_killed_a_hundred_times_loses_nothing_and_tears_nothing(
    tmp_path: Path,
) -> None:
    assert outcome("kill", tmp_path, 100) == ["100 rounds"]


def test_several_programs_on_one_conversation_lose_nothing(tmp_path: Path) -> None:
    assert outcome("both", tmp_path, 20) == ["3 conversations"]
