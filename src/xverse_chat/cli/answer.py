"""One answer for a script: the answer alone on stdout, everything else on stderr."""

import os
import signal
import sys
import threading
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing, contextmanager
from types import FrameType
from typing import Any

from xverse_chat.chat.attachment import encoding_notes
from xverse_chat.chat.backend import Finish, ModelDescription
from xverse_chat.cli.loader import Loader
from xverse_chat.cli.outcome import write_json, write_note
from xverse_chat.cli.question import Inquiry, read_attachments, read_question
from xverse_chat.cli.remembrance import Remembrance
from xverse_chat.cli.start import Start
from xverse_chat.errors import INTERRUPTED_EXIT_CODE
from xverse_chat.progress import NoProgress, Progress
from xverse_chat.terminal.sanitise import Sanitiser
from xverse_chat.terminal.texts import Texts


class InterruptSwitch:
    """Ctrl-C for scripts: leaves at once while loading, stops the answer while answering."""

    def __init__(self) -> None:
        self.stop = threading.Event()
        self.is_answering = False
        self._settle = _nothing

    def install(self) -> None:
        """Take SIGINT over from Python, whose exception could strike in the middle of an import."""
        signal.signal(signal.SIGINT, self._handle)

    def settle_by(self, settle: Callable[[], None]) -> None:
        """Have ``settle`` called before the program ends early, by a hang-up or termination too."""
        self._settle = settle
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda number, frame: self._leave(128 + number))

    def _leave(self, exit_code: int) -> None:
        self._settle()
        os._exit(exit_code)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.is_answering and not self.stop.is_set():
            self.stop.set()
        else:
            if os.isatty(2):
                os.write(2, b"\n")  # below what was shown while loading
            self._leave(INTERRUPTED_EXIT_CODE)


def _nothing() -> None:
    pass


def answer_once(
    loader: Loader,
    inquiry: Inquiry,
    remembrance: Remembrance,
    *,
    overrides: Mapping[str, Any],
    start: Start,
    plain: bool = False,
) -> None:
    """Load the model and answer once, on stdout, what was asked.

    Where an earlier conversation is asked for, question and answer become part of it.
    """
    if inquiry.messages_file is not None:
        remembrance.check_for_file()
    attachments = read_attachments(inquiry.files)
    messages = read_question(inquiry, attachments)
    for note in encoding_notes(attachments):
        write_note(note, start.texts)
    switch = InterruptSwitch()
    switch.install()
    loader.check()
    turn = None
    if remembrance.is_any:
        from xverse_chat.cli.script_turn import ScriptTurn

        turn = ScriptTurn(remembrance, messages, model_id=loader.source.model_id, texts=start.texts)
        switch.settle_by(turn.settle)
    with _loading_progress(start.texts, plain=plain) as progress:
        backend = loader.load(progress)
    settings = backend.default_settings.overridden(overrides)
    if turn is not None:
        events = turn.run(backend, settings=settings, stop=switch.stop)
    else:
        events = backend.stream(messages, settings, switch.stop)
    switch.is_answering = True
    write_answer(events, backend.description, start=start)


@contextmanager
def _loading_progress(texts: Texts, *, plain: bool) -> Iterator[Progress]:
    """Show on stderr that the model is being loaded, while it is and somebody can see it."""
    if not sys.stderr.isatty():
        yield NoProgress()
        return
    from xverse_chat.terminal.progress import open_progress

    with open_progress(texts, plain=plain) as progress:
        yield progress


def write_answer(
    events: Generator[str | Finish, None, None], model: ModelDescription, *, start: Start
) -> None:
    """Stream the answer to stdout, or write it as one JSON object when it is complete.

    ``events`` are the pieces of the answer, then its Finish. Raises
    SystemExit(130) after an interrupt, with what was said until then written.
    """
    sanitiser = Sanitiser()
    pieces: list[str] = []
    finish: Finish | None = None
    with closing(events) as stream:
        for event in stream:
            if isinstance(event, Finish):
                finish = event
            else:
                pieces.append(event)
                if not start.as_json:
                    _write(sanitiser.feed(event))
    assert finish is not None, "a backend ends with its Finish"
    if start.as_json:
        write_json(_summary(model, "".join(pieces), finish))
    else:
        _write("\n")
    if finish.dropped_messages:
        note = start.texts.dropped.format(
            context=model.context_tokens, count=finish.dropped_messages
        )
        write_note(note, start.texts)
    if finish.reason == "interrupted":
        raise SystemExit(INTERRUPTED_EXIT_CODE)


def _write(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


def _summary(model: ModelDescription, text: str, finish: Finish) -> dict[str, object]:
    """Return the object of ``--json``. The text is the model's own: JSON escapes control codes."""
    usage, timings = finish.usage, finish.timings
    return {
        "text": text,
        "finish_reason": finish.reason,
        "usage": {
            "prompt_tokens": usage.prompt_tokens,
            "completion_tokens": usage.completion_tokens,
            "total_tokens": usage.total_tokens,
        },
        "timings": {
            "load_s": round(timings.load_s, 4),
            "prefill_s": round(timings.prefill_s, 4),
            "first_token_s": round(timings.first_token_s, 4),
            "decode_tokens_per_s": timings.decode_tokens_per_s
            and round(timings.decode_tokens_per_s, 2),
        },
        "model": {
            "id": model.model_id,
            "precision": model.precision,
            "device": model.device,
        },
    }
