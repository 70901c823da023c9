"""What is typed is remembered by the real program, unless it is told not to."""

import stat
from pathlib import Path

import pytest

from tests.program import ROOT, environment
from tests.pseudo_terminal import ENTER, PseudoTerminal
from tests.terminal.conversation import PROGRAM as SCRIPTED

PROGRAM = [SCRIPTED[0], "-m", "xverse_chat", "--demo", "--lang", "en"]
FILE = ".local/state/xverse-chat/input-history.jsonl"


def type_in(home: Path, *options: str, setting: str = "") -> None:
    variables = environment(home, PYTHONPATH=str(ROOT / "src"))
    if setting:
        variables[setting] = "false"
    with PseudoTerminal([*PROGRAM, *options], environment=variables) as terminal:
        terminal.wait_for("\n>")
        terminal.type("/exit" + ENTER)
        assert terminal.exit_code() == 0


def test_what_is_typed_is_remembered_in_a_private_file(tmp_path: Path) -> None:
    type_in(tmp_path)
    assert (tmp_path / FILE).read_text() == '"/exit"\n'
    assert stat.S_IMODE((tmp_path / FILE).stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("options", "setting"),
    [(["--no-history"], ""), (["--no-save"], ""), ([], "XVERSE_CHAT_HISTORY")],
)
def test_nothing_is_remembered_where_that_is_not_wanted(
    options: list[str], setting: str, tmp_path: Path
) -> None:
    type_in(tmp_path, *options, setting=setting)
    assert not (tmp_path / FILE).exists()
