"""A conversation with a model that says what it is told to: run in a pseudo-terminal by tests.

Its only argument is a JSON object with the fields of ``Script``.
"""

import json
import os
import sys
import threading
import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from xverse_chat.chat.attachment import parse_attachment
from xverse_chat.chat.backend import Finish, Message, ModelDescription, Timings, Usage
from xverse_chat.chat.keeper import Keeper
from xverse_chat.chat.store import Store
from xverse_chat.config import GenerationSettings
from xverse_chat.errors import DeviceLostError, EngineError, MemoryShortageError, XverseChatError
from xverse_chat.progress import Progress, Stage
from xverse_chat.terminal.current_texts import CurrentTexts
from xverse_chat.terminal.history_file import HistoryFile
from xverse_chat.terminal.recall import Recall
from xverse_chat.terminal.repl import run_conversation
from xverse_chat.wording import say

EXPECTED = ModelDescription("demo", "float32", "cpu", context_tokens=0)
LOADED_BYTES = 14_600_000_000


@dataclass(frozen=True, slots=True)
class Script:
    """What happens. A reply is ``echo`` (say what was asked), an error's name, or pieces."""

    replies: list[str | list[str]] = field(default_factory=list)
    load_s: float = 0.0
    load_error: str = ""
    piece_s: float = 0.0
    deaf_s: float = 0.0  # how long a stop is not noticed
    language: str = "en"
    plain: bool = False
    screen_reader: bool = False
    device: str = "cpu"
    dropped: int = 0
    reason: str = "stop"
    gate: str = ""  # a named pipe: each piece waits for one byte from it
    attached: str = ""  # the text of a file that goes with the first message
    context_tokens: int = 2048  # a token is a character
    folder: str = ""  # where conversations are saved; nowhere without
    goes_on: bool = False
    name: str | None = None
    history: str = ""  # the file where what is typed is remembered; nowhere without


class ScriptedModel:
    """Says the replies of its script, one each turn, then echoes."""

    default_settings = GenerationSettings()
    memory_bytes = 31_400_000

    def __init__(self, script: Script) -> None:
        self.description = ModelDescription("demo", "float32", script.device, script.context_tokens)
        self._script = script
        self._replies = list(script.replies)

    def stream(
        self, messages: Sequence[Message], settings: GenerationSettings, stop: threading.Event
    ) -> Generator[str | Finish, None, None]:
        reply = self._replies.pop(0) if self._replies else "echo"
        if reply == "memory":
            raise MemoryShortageError(say("The GPU memory is full."), hint=say("Type /new."))
        pieces = [_retell(messages)] if reply == "echo" else list(reply)
        said, reason = 0, self._script.reason
        gate = os.open(self._script.gate, os.O_RDONLY) if self._script.gate else None
        for piece in pieces:
            if gate is not None:
                os.read(gate, 1)
            if piece == "LOST":
                raise DeviceLostError(say("The GPU failed."), hint=say("Start anew."))
            if piece == "ERROR":
                raise EngineError(say("The engine broke."), hint=say("Try again."))
            if stop.wait(self._script.piece_s):
                time.sleep(self._script.deaf_s)
                reason = "interrupted"
                break
            said += 1
            yield piece
        timings = Timings(load_s=0.0, prefill_s=0.1, first_token_s=0.1, decode_tokens_per_s=41.7)
        dropped = self._script.dropped
        yield Finish(reason, Usage(5, said), timings, dropped)  # type: ignore[arg-type]

    def count_tokens(self, messages: Sequence[Message]) -> list[int]:
        """Count one token a character."""
        return [len(message.content) for message in messages]


def _retell(messages: Sequence[Message]) -> str:
    return "heard: " + " | ".join(repr(message.content) for message in messages)


def load(script: Script, progress: Progress) -> ScriptedModel:
    progress.begin(Stage.LOAD, LOADED_BYTES)
    steps = max(1, int(script.load_s / 0.05))
    for _ in range(steps):
        time.sleep(script.load_s / steps)
        progress.advance("model", LOADED_BYTES // steps)
    if script.load_error:
        raise EngineError(say(script.load_error), hint=say("Load it again."))
    return ScriptedModel(script)


def main() -> None:
    script = Script(**json.loads(sys.argv[1]))
    text = script.attached.encode("gbk")
    attachments = [parse_attachment(text, name="notes.txt")] if text else []
    try:
        run_conversation(
            lambda progress: load(script, progress),
            EXPECTED,
            keeper=Keeper(Store(Path(script.folder)) if script.folder else None, model_id="demo"),
            wanted=Recall(goes_on=script.goes_on, name=script.name),
            overrides={"max_new_tokens": script.context_tokens // 4},
            system=None,
            texts=CurrentTexts.of("zh" if script.language == "zh" else "en"),
            plain=script.plain,
            screen_reader=script.screen_reader,
            attachments=attachments,
            history=HistoryFile(Path(script.history)) if script.history else None,
        )
    except XverseChatError as error:
        sys.stderr.write(f"{error.message} {error.hint}\n")
        raise SystemExit(error.exit_code) from error


if __name__ == "__main__":
    main()
