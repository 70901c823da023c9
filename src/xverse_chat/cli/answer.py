"""One answer for a script: the answer alone on stdout, everything else on stderr."""

import os
import signal
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from types import FrameType
from typing import Any

from xverse_chat.chat.attachment import encoding_notes
from xverse_chat.chat.backend import Backend, Finish, Message
from xverse_chat.cli.loader import Loader
from xverse_chat.cli.outcome import write_json, write_note
from xverse_chat.cli.question import Inquiry, read_attachments, read_question
from xverse_chat.cli.start import Start
from xverse_chat.config import GenerationSettings
from xverse_chat.errors import INTERRUPTED_EXIT_CODE
from xverse_chat.progress import NoProgress, Progress
from xverse_chat.terminal.sanitise import Sanitiser
from xverse_chat.terminal.texts import Texts


class InterruptSwitch:
    """Ctrl-C for scripts: leaves at once while loading, stops the answer while answering."""

    def __init__(self) -> None:
        self.stop = threading.Event()
        self.is_answering = False

    def install(self) -> None:
        """Take SIGINT over from Python, whose exception could strike in the middle of an import."""
        signal.signal(signal.SIGINT, self._handle)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.is_answering and not self.stop.is_set():
            self.stop.set()
        else:
            if os.isatty(2):
                os.write(2, b"\n")  # below what was shown while loading
            os._exit(INTERRUPTED_EXIT_CODE)  # nothing is open that could be lost


def answer_once(
    loader: Loader,
    inquiry: Inquiry,
    *,
    overrides: Mapping[str, Any],
    start: Start,
    plain: bool = False,
) -> None:
    """Load the model and answer once, on stdout, what was asked."""
    attachments = read_attachments(inquiry.files)
    messages = read_question(inquiry, attachments)
    for note in encoding_notes(attachments):
        write_note(note, start.texts)
    switch = InterruptSwitch()
    switch.install()
    loader.check()
    with _loading_progress(start.texts, plain=plain) as progress:
        backend = loader.load(progress)
    settings = backend.default_settings.overridden(overrides)
    write_answer(backend, messages, settings=settings, start=start, switch=switch)


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
    backend: Backend,
    messages: Sequence[Message],
    *,
    settings: GenerationSettings,
    start: Start,
    switch: InterruptSwitch,
) -> None:
    """Stream the answer to stdout, or write it as one JSON object when it is complete.

    Raises SystemExit(130) after an interrupt, with what was said until then written.
    """
    sanitiser = Sanitiser()
    pieces: list[str] = []
    finish: Finish | None = None
    switch.is_answering = True
    with closing(backend.stream(messages, settings, switch.stop)) as stream:
        for event in stream:
            if isinstance(event, Finish):
                finish = event
            else:
                pieces.append(event)
                if not start.as_json:
                    _write(sanitiser.feed(event))
    assert finish is not None, "a backend ends with its Finish"
    if start.as_json:
        write_json(_summary(backend, "".join(pieces), finish))
    else:
        _write("\n")
    if finish.dropped_messages:
        tokens = backend.description.context_tokens
        note = start.texts.dropped.format(context=tokens, count=finish.dropped_messages)
        write_note(note, start.texts)
    if finish.reason == "interrupted":
        raise SystemExit(INTERRUPTED_EXIT_CODE)


def _write(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


def _summary(backend: Backend, text: str, finish: Finish) -> dict[str, object]:
    """Return the object of ``--json``. The text is the model's own: JSON escapes control codes."""
    model, usage, timings = backend.description, finish.usage, finish.timings
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
