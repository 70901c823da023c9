import shutil
import threading
from pathlib import Path

import pytest
import torch

from tests.engine.conftest import SHAPE
from xverse_chat.chat.backend import Finish, Message
from xverse_chat.engine import local, memory
from xverse_chat.engine.folders import inspect_folder
from xverse_chat.engine.local import LocalBackend
from xverse_chat.engine.memory import needed_bytes
from xverse_chat.errors import ContextLengthError, EngineError, MemoryShortageError
from xverse_chat.progress import Stage

TALK = [Message("user", "hello, what is your name?")]


class Watcher:
    """Keeps what was reported."""

    def __init__(self) -> None:
        self.stages: list[tuple[Stage, int]] = []
        self.done_bytes = 0
        self.notes: list[str] = []

    def begin(self, stage: Stage, total_bytes: int) -> None:
        self.stages.append((stage, total_bytes))
        self.done_bytes = 0

    def start(self, name: str, total_bytes: int) -> None:
        pass

    def advance(self, name: str, size_bytes: int) -> None:
        self.done_bytes += size_bytes

    def finish(self, name: str) -> None:
        pass

    def note(self, text: str) -> None:
        self.notes.append(text)


def load(folder: Path, *, quant: int | None = None, dtype: str | None = None) -> LocalBackend:
    return LocalBackend.load(
        folder, model_id="x/y", device="cpu", dtype=dtype, quant=quant, progress=Watcher()
    )


@pytest.mark.parametrize(
    ("quant", "dtype", "precision"),
    [(None, None, "float32"), (None, "bfloat16", "bfloat16"), (8, None, "int8"), (4, None, "int4")],
)
def test_a_reply_comes_in_pieces_and_ends_with_its_figures(
    quant: int | None, dtype: str | None, precision: str, upstream: Path
) -> None:
    backend = load(upstream, quant=quant, dtype=dtype)
    settings = backend.default_settings.overridden({"max_new_tokens": 20, "seed": 1})
    *pieces, finish = backend.stream(TALK, settings, threading.Event())
    assert all(isinstance(piece, str) for piece in pieces)
    assert isinstance(finish, Finish)
    assert finish.usage.completion_tokens == 20
    assert finish.reason == "length"
    assert finish.timings.load_s > 0
    assert finish.timings.prefill_s <= finish.timings.first_token_s
    assert backend.description.precision == precision
    assert backend.description.context_tokens == SHAPE.max_position_embeddings


def test_the_second_turn_computes_only_what_is_new(upstream: Path) -> None:
    backend = load(upstream)
    settings = backend.default_settings.overridden({"max_new_tokens": 8, "seed": 1})
    *pieces, first = backend.stream(TALK, settings, threading.Event())
    answer = "".join(piece for piece in pieces if isinstance(piece, str))
    longer = [*TALK, Message("assistant", answer), Message("user", "hi")]
    *_, second = backend.stream(longer, settings, threading.Event())
    assert isinstance(first, Finish)
    assert isinstance(second, Finish)
    assert second.timings.cached_tokens >= first.usage.prompt_tokens - 4  # up to the last cue


def test_loading_reports_all_bytes_of_the_weights(upstream: Path) -> None:
    watcher = Watcher()
    LocalBackend.load(upstream, model_id="x/y", device="cpu", progress=watcher)
    assert [stage for stage, _ in watcher.stages] == [Stage.LOAD]
    assert watcher.done_bytes == pytest.approx(watcher.stages[0][1], rel=0.05)


def test_without_room_for_the_whole_context_it_is_shorter_and_that_is_said(
    upstream: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "LEAST_CONTEXT_TOKENS", 128)
    config = inspect_folder(upstream).config
    free = needed_bytes(config, device="cpu", dtype="float32", quant=None, tokens=300)
    monkeypatch.setattr(memory, "free_bytes", lambda device: free)
    watcher = Watcher()
    backend = LocalBackend.load(upstream, model_id="x/y", device="cpu", progress=watcher)
    assert backend.description.context_tokens == 256
    assert watcher.notes == [
        "The memory of cpu has room for a context of 256 tokens instead of 512."
    ]
    settings = backend.default_settings.overridden({"max_new_tokens": 20})
    with pytest.raises(ContextLengthError, match="256 tokens"):
        list(backend.stream([Message("user", "hello " * 300)], settings, threading.Event()))
    *_, finish = backend.stream(TALK, settings, threading.Event())
    assert isinstance(finish, Finish)


@pytest.mark.parametrize("quant", [None, 4])
def test_memory_that_runs_out_while_loading_is_told(
    quant: int | None, upstream: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local, "make_decoder", lambda *_, **__: torch.empty(2**46))
    with pytest.raises(MemoryShortageError, match="cpu ran out while loading") as caught:
        load(upstream, quant=quant)
    assert "--quant" in caught.value.hint


def test_another_error_while_loading_is_not_taken_for_that(
    upstream: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local, "make_decoder", lambda *_, **__: torch.ones(2) @ torch.ones(3))
    with pytest.raises(RuntimeError, match="size"):
        load(upstream)


def test_a_model_that_computes_no_numbers_is_refused_before_the_first_prompt(
    upstream: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Weights that are fine one by one, and too large together for float16 on the plain path."""
    monkeypatch.setattr("xverse_chat.engine.making.make_cpu_forward", lambda *_: None)
    folder = shutil.copytree(upstream, tmp_path / "copy")
    for path in folder.glob("*.bin"):
        tensors = torch.load(path, weights_only=True)
        for name in tensors:
            if "up_proj" in name or "gate_proj" in name:
                tensors[name] = tensors[name] * 3e4
        torch.save(tensors, path)
    with pytest.raises(EngineError, match="nothing of use in float16"):
        load(folder, dtype="float16")


def test_stop_ends_the_reply(upstream: Path) -> None:
    backend = load(upstream)
    stop = threading.Event()
    stream = backend.stream(TALK, backend.default_settings, stop)
    next(stream)
    stop.set()
    *_, finish = stream
    assert isinstance(finish, Finish)
    assert finish.reason == "interrupted"
