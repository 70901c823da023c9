"""One reply on a terminal, said at a given rate: what it took, as a JSON object on stderr.

Started by ``benchmarks.render`` with one JSON object, ``Stream``'s fields, as its argument.
"""

import json
import sys
import threading
import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass

from xverse_chat.chat.answering import Answering
from xverse_chat.chat.backend import Finish, Timings, Usage
from xverse_chat.terminal.current_texts import CurrentTexts
from xverse_chat.terminal.plain_renderer import PlainRenderer
from xverse_chat.terminal.renderer import Renderer
from xverse_chat.terminal.reply import Reply
from xverse_chat.terminal.rich_renderer import RichRenderer


@dataclass(frozen=True, slots=True)
class Stream:
    """``tokens_per_s`` of 0 says everything at once; ``text_file`` holds a JSON list of tokens."""

    renderer: str
    tokens_per_s: float
    text_file: str


def main() -> None:
    """Show the reply."""
    stream = Stream(**json.loads(sys.argv[1]))
    with open(stream.text_file, encoding="utf-8") as file:
        tokens: list[str] = json.load(file)
    texts = CurrentTexts.of("zh")
    renderer: Renderer = (
        PlainRenderer(sys.stdout, texts)
        if stream.renderer == "plain"
        else RichRenderer(sys.stdout, texts)
    )
    answering = Answering(lambda stop: _say(tokens, stream.tokens_per_s, stop))
    began_s, began_cpu_s = time.perf_counter(), time.process_time()
    Reply(answering, renderer, texts).show(threading.Event(), context_tokens=8192)
    taken = {
        "wall_s": time.perf_counter() - began_s,
        "cpu_s": time.process_time() - began_cpu_s,
        "said_s": _said_s[0],
    }
    sys.stderr.write(json.dumps(taken))


_said_s: list[float] = []


def _say(
    tokens: Sequence[str], tokens_per_s: float, stop: threading.Event
) -> Generator[str | Finish, None, None]:
    """Yield the tokens, each a step after the one before: a step that begins late ends late.

    A GPU is waited for as this sleeps: without Python's lock, which the screen may hold then.
    """
    began_s = time.perf_counter()
    for token in tokens:
        if tokens_per_s:
            time.sleep(1 / tokens_per_s)
        yield token
    _said_s.append(time.perf_counter() - began_s)
    timings = Timings(load_s=0.0, prefill_s=0.1, first_token_s=0.1, decode_tokens_per_s=None)
    yield Finish("stop", Usage(10, len(tokens)), timings)


if __name__ == "__main__":
    main()
