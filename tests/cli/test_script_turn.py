"""Scripts that go on with a saved conversation."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from tests.chat.test_budget import SETTINGS, talk
from tests.chat.test_summary import Backend
from tests.program import CHAT, ROOT, environment, run
from xverse_chat.chat.backend import Finish, Message
from xverse_chat.chat.events import Policy
from xverse_chat.chat.keeper import Keeper
from xverse_chat.chat.session import Session
from xverse_chat.chat.store import Store
from xverse_chat.cli.remembrance import Remembrance
from xverse_chat.cli.script_turn import ScriptTurn
from xverse_chat.config import conversations_folder
from xverse_chat.errors import ContextLengthError
from xverse_chat.terminal.texts_english import ENGLISH

DEMO = [*CHAT, "--demo", "--greedy"]
CONVERSATIONS = Path(".local", "share", "xverse-chat", "conversations")
LAST = Remembrance(goes_on=True, name=None, saves=True, keeps_history=False)

# Says one piece, and ends when it is told to, or never.
ENDLESS = """
import sys, time
from types import SimpleNamespace
from tests.scripted import ScriptedBackend
from xverse_chat.cli.answer import answer_once
from xverse_chat.cli.question import Inquiry
from xverse_chat.cli.remembrance import Remembrance
from xverse_chat.terminal.texts_english import ENGLISH

class Endless(ScriptedBackend):
    def stream(self, messages, settings, stop):
        yield "one"
        while not (stop.is_set() and sys.argv[1] == "heeds"):
            time.sleep(0.01)
        yield self._finish("interrupted", 1)

loader = SimpleNamespace(
    source=SimpleNamespace(model_id="x"), check=lambda: None, load=lambda progress: Endless()
)
answer_once(
    loader,
    Inquiry("hi", None, (), None),
    Remembrance(goes_on=False, name="x", saves=True, keeps_history=False),
    overrides={},
    start=SimpleNamespace(texts=ENGLISH, as_json=False),
)
"""


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    return Store(conversations_folder())


def kept(store: Store) -> Session:
    """Return the one conversation that is saved."""
    (identity,) = store.identities()
    return store.read(identity)


def save(store: Store, session: Session) -> None:
    """Save a conversation as the program does."""
    journal = store.begin("scripted")
    journal.save(session.events)
    journal.close()


def asked(question: str, backend: Backend, wanted: Remembrance = LAST) -> list[str | Finish]:
    """Ask one question after the saved conversation."""
    messages = [Message("user", question)]
    turn = ScriptTurn(wanted, messages, model_id="scripted", texts=ENGLISH)
    return list(turn.run(backend, settings=SETTINGS, stop=threading.Event()))


def test_a_named_conversation_is_begun_remembered_and_found_again(tmp_path: Path) -> None:
    begun = run(DEMO, "--session", "work", "-p", "Hi, my name is Mirela.", home=tmp_path)
    assert "There is no conversation “work” yet" in begun.stderr.decode()
    named = run(DEMO, "--session", "work", "-p", "What is my name?", home=tmp_path)
    assert (named.stdout.decode(), named.stderr) == ("Your name is Mirela.\n", b"")
    last = run(DEMO, "--continue", "--json", home=tmp_path, stdin=b"What is my name?")
    assert json.loads(last.stdout)["text"] == "Your name is Mirela."


def test_without_saving_the_conversation_is_read_and_stays_as_it_was(
    store: Store, tmp_path: Path
) -> None:
    save(
        store, Session(messages=[Message("user", "My name is Mirela."), Message("assistant", "!")])
    )
    before = kept(store).messages
    backend = Backend(["Mirela"])
    asked("Who am I?", backend, Remembrance(True, None, saves=False, keeps_history=False))
    assert backend.asked[0][:2] == before
    assert kept(store).messages == before


@pytest.mark.parametrize(
    ("heeds", "signals", "code"),
    [
        ("heeds", [signal.SIGINT], 130),
        ("deaf", [signal.SIGINT, signal.SIGINT], 130),
        ("heeds", [signal.SIGTERM], 143),
        ("heeds", [signal.SIGHUP], 129),
    ],
)
def test_what_was_said_until_a_signal_is_kept(
    heeds: str, signals: list[signal.Signals], code: int, tmp_path: Path
) -> None:
    command = [sys.executable, "-c", ENDLESS, heeds]
    paths = f"{ROOT / 'src'}{os.pathsep}{ROOT}"
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(tmp_path, PYTHONPATH=paths),
    ) as process:
        assert process.stdout is not None
        assert process.stdout.read(3) == b"one"
        for number in signals:
            process.send_signal(number)
            time.sleep(0.2)  # two at once would count as one
        assert process.wait(timeout=60) == code
    question, answer = kept(Store(tmp_path / CONVERSATIONS)).messages
    assert question.content == "hi"
    assert (answer.interrupted, answer.content) == (True, "one")


@pytest.mark.parametrize("policy", [None, Policy.DROP])
def test_the_oldest_rounds_go_without_a_question(
    policy: Policy | None, store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    session = talk(98, system="be kind")
    if policy is not None:
        session.choose_policy(policy)
    save(store, session)
    backend = Backend(["fine"])
    assert asked("next", backend)[0] == "fine"
    assert capsys.readouterr().err.startswith("Left out for the model from here on: rounds 1 to ")
    assert backend.asked[0][0] == Message("system", "be kind")
    assert len(backend.asked[0]) < 2 * 98
    assert len(kept(store).messages) == 1 + 2 * 98 + 2


def test_rounds_are_summed_up_where_the_conversation_chose_that(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    session = talk(98)
    session.choose_policy(Policy.SUMMARISE)
    save(store, session)
    backend = Backend(["they spoke"], ["fine"])
    assert asked("next", backend)[0] == "fine"
    assert "they spoke" in capsys.readouterr().err
    assert "they spoke" in backend.asked[1][0].content
    assert kept(store).summary == "they spoke"


def test_a_summary_that_is_broken_off_changes_nothing(store: Store) -> None:
    session = talk(98)
    session.choose_policy(Policy.SUMMARISE)
    save(store, session)
    stop = threading.Event()
    stop.set()
    turn = ScriptTurn(LAST, [Message("user", "next")], model_id="scripted", texts=ENGLISH)
    *said, finish = turn.run(Backend(["never"], ["never"]), settings=SETTINGS, stop=stop)
    assert (said, isinstance(finish, Finish) and finish.reason) == ([], "interrupted")
    assert (kept(store).summary, kept(store).position) == ("", session.position)


def test_nothing_is_sent_where_the_conversation_refuses_to_leave_anything_out(store: Store) -> None:
    session = talk(98)
    session.choose_policy(Policy.REFUSE)
    save(store, session)
    backend = Backend(["fine"])
    with pytest.raises(ContextLengthError, match="of the model's context of 1000"):
        asked("next", backend)
    assert (backend.asked, kept(store).position) == ([], session.position)


def test_a_conversation_open_elsewhere_goes_on_in_a_copy(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    save(store, talk(2))
    other = Keeper(store, model_id="scripted")
    other.open(store.identities()[0])
    asked("next", Backend(["fine"]))
    assert capsys.readouterr().err == ENGLISH.resumed_copy + "\n"
    assert len(store.identities()) == 2


def test_a_system_text_on_the_command_line_becomes_the_conversations(store: Store) -> None:
    save(store, talk(1, system="be kind"))
    messages = [Message("system", "be short"), Message("user", "next")]
    turn = ScriptTurn(LAST, messages, model_id="scripted", texts=ENGLISH)
    list(turn.run(Backend(["fine"]), settings=SETTINGS, stop=threading.Event()))
    assert kept(store).system == "be short"
