"""Conversations in processes of their own that are killed at any moment; see test_killed.py.

Forks each one from here, which costs a thousandth of starting a program. Prints what is wrong.
"""

import os
import random
import re
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.scripted import ScriptedBackend
from xverse_chat.chat.keeper import Keeper
from xverse_chat.chat.store import Store
from xverse_chat.chat.turn import ask
from xverse_chat.config import GenerationSettings

LONG = "很长的回答，" * 200


class EndlessBackend(ScriptedBackend):
    """Says the same long answer to everything, in many pieces."""

    def stream(self, messages, settings, stop):  # type: ignore[no-untyped-def]
        self.scripts = [[LONG] * 4]
        return super().stream(messages, settings, stop)


def talk(folder: Path, name: str, turns: int, tell: Callable[[str], None]) -> None:
    """Go on with the last conversation; ``tell`` each question whose answer is saved."""
    keeper = Keeper(Store(folder), model_id="demo")
    latest = Store(folder).latest()
    if latest is not None:
        keeper.open(latest)
    backend, settings = EndlessBackend(), GenerationSettings()
    for number in range(turns):
        question = f"{name}.{number}"
        turn = ask(keeper.session, question)
        list(turn.run(backend, settings=settings, stop=threading.Event()))
        news = keeper.news()
        assert news is None, news
        tell(question)
    keeper.begin("")  # gives the file back


def fork(folder: Path, name: str, turns: int) -> tuple[int, int]:
    """Return a process that talks, and where it tells what is saved."""
    reading, writing = os.pipe()
    child = os.fork()
    if child:
        os.close(writing)
        return child, reading
    try:
        talk(folder, name, turns, lambda told: _write(writing, told))
        os._exit(0)
    except BaseException as error:
        sys.stderr.write(f"{name}: {error!r}\n")
        os._exit(1)


def _write(descriptor: int, told: str) -> None:
    os.write(descriptor, f"{told}\n".encode())


def told_by(reading: int) -> list[str]:
    with os.fdopen(reading) as file:
        return file.read().split()


def answered(folder: Path) -> list[str]:
    """Return every question that has its whole answer, in all conversations."""
    return [
        question
        for identity in Store(folder).identities()
        for question in _answered_in(Store(folder), identity)
    ]


def _answered_in(store: Store, identity: str) -> Iterator[str]:
    messages = store.read(identity).messages
    for question, answer in zip(messages[::2], messages[1::2], strict=True):
        if not re.fullmatch(r"[\w-]+\.\d+", question.content) or answer.content != LONG * 4:
            sys.stdout.write(f"{identity}: torn: {question.content[:80]}\n")
        yield question.content


def kill_again_and_again(folder: Path, rounds: int) -> None:
    """Kill the same conversation in each round, and look whether anything that was told is gone."""
    random.seed(20261124)
    told: list[str] = []
    for number in range(rounds):
        child, reading = fork(folder, f"r{number}", turns=10_000)
        time.sleep(random.uniform(0.0, 0.03))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        told += told_by(reading)
        kept = answered(folder)
        if lost := [question for question in told if question not in kept]:
            sys.stdout.write(f"round {number}: lost {lost}\n")
        if len(kept) > len(told) + number + 1 or len(Store(folder).identities()) > 1:
            sys.stdout.write(f"round {number}: {len(kept)} kept, {len(told)} told\n")
        if len(told) > 300:  # reading it again and again would take the most time
            _begin_anew(folder, number)
            told = []
    sys.stdout.write(f"{rounds} rounds\n")


def _begin_anew(folder: Path, number: int) -> None:
    folder.rename(folder.with_name(f"{folder.name}-{number}"))


def talk_both_at_once(folder: Path, turns: int) -> None:
    """Have several programs go on with one conversation, and look whether all of it is saved."""
    talk(folder, "first", 1, lambda told: None)
    children = [fork(folder, name, turns) for name in ("one", "two", "three")]
    told = [question for _, reading in children for question in told_by(reading)]
    for child, _ in children:
        os.waitpid(child, 0)
    kept = answered(folder)
    if len(told) != 3 * turns or (lost := [one for one in told if one not in kept]):
        sys.stdout.write(f"told {len(told)}, lost {lost}\n")
    sys.stdout.write(f"{len(Store(folder).identities())} conversations\n")


if __name__ == "__main__":
    work, where, count = sys.argv[1:]
    {"kill": kill_again_and_again, "both": talk_both_at_once}[work](Path(where), int(count))
