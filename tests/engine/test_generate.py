import itertools
import threading
from collections.abc import Sequence

import pytest
import torch

from xverse_chat.config import GenerationSettings
from xverse_chat.engine.generate import Engine, Outcome
from xverse_chat.engine.making import make_decoder
from xverse_chat.engine.model import XverseForCausalLM
from xverse_chat.engine.transformers_forward import TransformersForward
from xverse_chat.errors import DeviceLostError, EngineError, MemoryShortageError

GREEDY = GenerationSettings(max_new_tokens=24)
PROMPT = [70, 291, 300, 12, 77, 290, 301, 302, 40, 41, 42]
NEVER = 10**6  # an end token that never comes


@pytest.fixture(autouse=True)
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """The plain forward: it calls the modules, where these tests wait with hooks."""
    monkeypatch.setattr("xverse_chat.engine.making.make_cpu_forward", lambda model, note: None)


def fresh_engine(model: XverseForCausalLM) -> Engine:
    return Engine(make_decoder(model, quantization_bits=None, note=lambda text: None))


def run(
    engine: Engine,
    prompt: Sequence[int],
    settings: GenerationSettings = GREEDY,
    *,
    eos: int = NEVER,
    stop_after: int | None = None,
) -> tuple[list[int], Outcome]:
    """Return the tokens and the outcome; ``stop_after`` so many tokens set the stop event."""
    stop = threading.Event()
    tokens: list[int] = []
    for event in engine.reply(prompt, settings, eos_token_id=eos, stop=stop):
        if isinstance(event, Outcome):
            return tokens, event
        tokens.append(event)
        if len(tokens) == stop_after:
            stop.set()
    raise AssertionError("the stream ended without its outcome")


def test_prefill_equals_decode(model: XverseForCausalLM, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = run(model.engine, PROMPT)[0]
    monkeypatch.setattr("xverse_chat.engine.decoder.PREFILL_CHUNK_TOKENS", 1)
    one_by_one = run(fresh_engine(model), PROMPT)[0]
    monkeypatch.setattr("xverse_chat.engine.decoder.PREFILL_CHUNK_TOKENS", 4)
    assert run(fresh_engine(model), PROMPT)[0] == one_by_one == whole


def test_prefill_logits_equal_decode_logits(model: XverseForCausalLM) -> None:
    whole = model(input_ids=torch.tensor([PROMPT])).logits[0, -1]
    forward = TransformersForward(model)
    for token in PROMPT:
        stepwise = forward.run([token], lambda: None)
    assert torch.allclose(stepwise, whole, atol=1e-5)


def test_a_continued_conversation_equals_a_fresh_one(model: XverseForCausalLM) -> None:
    first, _ = run(model.engine, PROMPT)
    longer = [*PROMPT, *first, 3, 70, 291]
    continued, outcome = run(model.engine, longer)
    assert outcome.cached_tokens == len(PROMPT) + len(first) - 1  # the last was never computed
    assert continued == run(fresh_engine(model), longer)[0]


def test_another_conversation_uses_nothing_of_the_one_before(model: XverseForCausalLM) -> None:
    run(model.engine, PROMPT)
    other = [71, *PROMPT[1:]]
    tokens, outcome = run(model.engine, other)
    assert outcome.cached_tokens == 0
    assert tokens == run(fresh_engine(model), other)[0]


def test_the_same_prompt_again_computes_one_token_and_says_the_same(
    model: XverseForCausalLM,
) -> None:
    first = run(model.engine, PROMPT)[0]
    again, outcome = run(model.engine, PROMPT)
    assert (again, outcome.cached_tokens) == (first, len(PROMPT) - 1)


def test_a_reply_ends_at_the_end_token_and_does_not_yield_it(model: XverseForCausalLM) -> None:
    tokens, _ = run(model.engine, PROMPT)
    position = tokens.index(tokens[5])
    ended, outcome = run(model.engine, PROMPT, eos=tokens[5])
    assert (ended, outcome.reason, outcome.tokens) == (tokens[:position], "stop", position + 1)


def test_a_reply_ends_at_its_limit(model: XverseForCausalLM) -> None:
    tokens, outcome = run(model.engine, PROMPT, GenerationSettings(max_new_tokens=3))
    assert (len(tokens), outcome.reason, outcome.tokens) == (3, "length", 3)


def test_a_reply_ends_where_the_context_does(model: XverseForCausalLM) -> None:
    prompt = (PROMPT * 60)[:500]
    tokens, outcome = run(model.engine, prompt, GenerationSettings(max_new_tokens=100))
    assert (len(tokens), outcome.reason) == (512 - 500, "length")


def test_stopping_ends_the_reply_and_the_next_one_is_right(model: XverseForCausalLM) -> None:
    expected = run(fresh_engine(model), PROMPT)[0]
    said, outcome = run(model.engine, PROMPT, stop_after=4)
    assert (said, outcome.reason) == (expected[:4], "interrupted")
    assert run(model.engine, PROMPT)[0] == expected


def test_stopping_in_the_middle_of_a_step_leaves_a_cache_that_is_right(
    model: XverseForCausalLM, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stop comes between two layers: one holds keys that the next one has not seen."""
    monkeypatch.setattr("xverse_chat.engine.decoder.PREFILL_CHUNK_TOKENS", 4)
    expected = run(fresh_engine(model), PROMPT)[0]
    engine = model.engine
    for layer_of_stop in range(1, 9):
        stop = threading.Event()
        calls = itertools.count(1)
        hook = model.model.layers[layer_of_stop % 3].register_forward_hook(
            lambda *_, stop=stop, calls=calls: stop.set() if next(calls) == 2 else None
        )
        events = list(engine.reply(PROMPT, GREEDY, eos_token_id=NEVER, stop=stop))
        hook.remove()
        assert [event.reason for event in events if isinstance(event, Outcome)] == ["interrupted"]
        assert run(engine, PROMPT)[0] == expected
        engine.forget()


def test_closing_the_stream_stops_the_work(model: XverseForCausalLM) -> None:
    steps: list[int] = []
    model.model.layers[0].register_forward_hook(lambda *_: steps.append(1))
    events = model.engine.reply(PROMPT, GREEDY, eos_token_id=NEVER, stop=threading.Event())
    next(events)
    next(events)
    events.close()
    assert len(steps) == 2
    assert run(model.engine, PROMPT)[0] == run(fresh_engine(model), PROMPT)[0]


def test_a_stream_left_behind_is_an_error_not_a_mixture(model: XverseForCausalLM) -> None:
    old = model.engine.reply(PROMPT, GREEDY, eos_token_id=NEVER, stop=threading.Event())
    next(old)
    other = run(model.engine, PROMPT[::-1])[0]
    with pytest.raises(EngineError, match="left behind"):
        next(old)
    assert run(fresh_engine(model), PROMPT[::-1])[0] == other


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        (torch.OutOfMemoryError("CUDA out of memory"), MemoryShortageError),
        (MemoryError(), MemoryShortageError),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory"), MemoryShortageError),
        (RuntimeError("a kernel failed\nmore"), EngineError),
        (torch.AcceleratorError("device-side assert"), DeviceLostError),
    ],
)
def test_a_failure_in_a_step_is_told_and_the_engine_goes_on(
    raised: Exception, expected: type[EngineError], model: XverseForCausalLM
) -> None:
    def fail(*_: object) -> None:
        raise raised

    expected_tokens = run(model.engine, PROMPT)[0]
    hook = model.model.layers[1].register_forward_hook(fail)
    with pytest.raises(expected):
        run(model.engine, [*PROMPT, 9])
    hook.remove()
    assert model.engine.cache_size_bytes == 0
    assert run(model.engine, PROMPT)[0] == expected_tokens


def test_a_seed_repeats_a_sampled_reply(model: XverseForCausalLM) -> None:
    settings = GenerationSettings(do_sample=True, temperature=2.0, max_new_tokens=20, seed=7)
    first = run(model.engine, PROMPT, settings)[0]
    assert run(model.engine, PROMPT, settings)[0] == first
    assert run(model.engine, PROMPT, settings.overridden({"seed": 8}))[0] != first


def test_logits_that_are_no_numbers_end_in_an_error(model: XverseForCausalLM) -> None:
    with torch.no_grad():
        model.model.norm.weight[0] = torch.nan
    with pytest.raises(EngineError, match="not numbers"):
        run(model.engine, PROMPT)
    assert model.engine.cache_size_bytes == 0
