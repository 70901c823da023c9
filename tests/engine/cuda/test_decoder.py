"""The decoder of a GPU, its kernels run on the CPU, against the plain one."""

import threading
from collections.abc import Sequence

import pytest
import torch

from tests.engine.cuda.small import CAPACITY, VOCAB, Emulate, build, exact, small_model
from xverse_chat.config import GenerationSettings
from xverse_chat.engine.decoder import Decoder, HostDecoder
from xverse_chat.engine.generate import Engine, Outcome
from xverse_chat.engine.transformers_forward import TransformersForward
from xverse_chat.engine.unavailable import KernelsUnavailableError
from xverse_chat.errors import EngineError
from xverse_chat.wording import say

PROMPT = [7, 91, 200, 12, 77, 90, 201, 202, 40, 41, 42, 43]
GREEDY = GenerationSettings(max_new_tokens=12)
NEVER = 10**6


def run(
    engine: Engine, prompt: Sequence[int], settings: GenerationSettings = GREEDY, eos: int = NEVER
) -> tuple[list[int], Outcome]:
    *tokens, outcome = engine.reply(prompt, settings, eos_token_id=eos, stop=threading.Event())
    assert isinstance(outcome, Outcome)
    return [token for token in tokens if isinstance(token, int)], outcome


def plain(decoder_of: Emulate, bits: int) -> Decoder:
    built = build(decoder_of, small_model(bits))
    return HostDecoder(TransformersForward(exact(built.model)), CAPACITY)


@pytest.mark.parametrize("bits", [16, 8, 4])
def test_greedy_replies_are_those_of_the_plain_path(bits: int, emulate: Emulate) -> None:
    engine = Engine(build(emulate, small_model(bits)).decoder)
    reference = Engine(plain(emulate, bits))
    for prompt in (PROMPT, PROMPT[::-1], [5], PROMPT * 5):
        assert run(engine, prompt)[0] == run(reference, prompt)[0]


@pytest.mark.parametrize("bits", [16, 8, 4])
def test_a_prompt_computed_at_once_equals_one_computed_token_by_token(
    bits: int, emulate: Emulate
) -> None:
    built = build(emulate, small_model(bits))
    whole, steps = built.decoder, build(emulate, small_model(bits)).decoder
    whole.prefill(PROMPT, lambda: None)
    cached = built.buffers.cache.clone()
    for token in PROMPT:
        steps.prefill([token], lambda: None)
    other = steps._buffers.cache
    used = slice(0, len(PROMPT))
    assert torch.allclose(cached[..., used, :], other[..., used, :], atol=4e-3, rtol=4e-3)


def test_a_continued_conversation_computes_what_is_new_and_equals_a_fresh_one(
    emulate: Emulate,
) -> None:
    engine = Engine(build(emulate, small_model(8)).decoder)
    first, _ = run(engine, PROMPT)
    longer = [*PROMPT, *first, 3, 70, 91]
    continued, outcome = run(engine, longer)
    assert outcome.cached_tokens >= len(PROMPT) + len(first) - 1
    assert continued == run(Engine(build(emulate, small_model(8)).decoder), longer)[0]


def test_a_reply_ends_at_the_end_token_and_its_cache_can_be_used_again(emulate: Emulate) -> None:
    engine = Engine(build(emulate, small_model(16)).decoder)
    tokens, _ = run(engine, PROMPT)
    place = tokens.index(tokens[4])
    ended, outcome = run(engine, PROMPT, eos=tokens[4])
    assert (ended, outcome.reason, outcome.tokens) == (tokens[:place], "stop", place + 1)
    again, outcome = run(engine, [*PROMPT, *tokens[: place + 1], 9])
    assert outcome.cached_tokens >= len(PROMPT) + place
    fresh = Engine(build(emulate, small_model(16)).decoder)
    assert again == run(fresh, [*PROMPT, *tokens[: place + 1], 9])[0]


def test_a_reply_ends_where_the_cache_does(emulate: Emulate) -> None:
    engine = Engine(build(emulate, small_model(16)).decoder)
    prompt = (PROMPT * 20)[: CAPACITY - 3]
    tokens, outcome = run(engine, prompt, GenerationSettings(max_new_tokens=50))
    assert (len(tokens), outcome.reason) == (3, "length")


def test_a_stop_in_a_prompt_leaves_a_cache_that_is_right(emulate: Emulate) -> None:
    engine = Engine(build(emulate, small_model(8)).decoder)
    expected = run(engine, PROMPT)[0]
    engine.forget()
    stop = threading.Event()
    stop.set()
    *_, outcome = engine.reply(PROMPT, GREEDY, eos_token_id=NEVER, stop=stop)
    assert isinstance(outcome, Outcome)
    assert (outcome.reason, outcome.tokens) == ("interrupted", 0)
    assert run(engine, PROMPT)[0] == expected


def test_a_seed_repeats_a_sampled_reply(emulate: Emulate) -> None:
    engine = Engine(build(emulate, small_model(16)).decoder)
    settings = GenerationSettings(
        do_sample=True, temperature=3.0, max_new_tokens=10, seed=2**62 + 7
    )
    first = run(engine, PROMPT, settings)[0]
    assert run(engine, PROMPT, settings)[0] == first
    assert run(engine, PROMPT, settings.overridden({"seed": 8}))[0] != first


def test_a_repetition_penalty_counts_prompt_and_reply(emulate: Emulate) -> None:
    built = build(emulate, small_model(16))
    settings = GenerationSettings(repetition_penalty=9.0, max_new_tokens=10)
    tokens = run(Engine(built.decoder), PROMPT, settings)[0]
    reference = HostDecoder(TransformersForward(exact(built.model)), CAPACITY)
    assert tokens == run(Engine(reference), PROMPT, settings)[0]
    assert len(set(tokens)) == len(tokens)


@pytest.mark.parametrize("bits", [16, 8, 4])
def test_values_that_are_no_numbers_end_in_an_error_and_are_forgotten(
    bits: int, emulate: Emulate
) -> None:
    built = build(emulate, small_model(bits))
    engine = Engine(built.decoder)
    expected = run(engine, PROMPT)[0]
    for place in (built.weights.norm[3:4], built.weights.layers[1].post_norm[5:6]):
        kept = place.clone()
        place.fill_(torch.nan)
        with pytest.raises(EngineError, match="not numbers"):
            run(engine, PROMPT)
        assert built.decoder.length == 0
        place.copy_(kept)
        assert run(engine, PROMPT)[0] == expected


@pytest.mark.parametrize(
    "refusal",
    [
        RuntimeError("operation not permitted when stream is capturing"),
        KernelsUnavailableError(say("the driver does not record such launches")),
    ],
)
def test_where_a_step_cannot_be_recorded_it_is_started_each_time(
    refusal: Exception, emulate: Emulate, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[object] = []

    def refuse(graph: object) -> None:
        tries.append(graph)
        raise refusal

    decoder = build(emulate, small_model()).decoder
    expected = run(Engine(decoder), PROMPT)[0]
    monkeypatch.setattr(torch.cuda, "CUDAGraph", object)
    monkeypatch.setattr(torch.cuda, "synchronize", lambda device: None)
    monkeypatch.setattr(torch.cuda, "graph", refuse)
    other = build(emulate, small_model()).decoder
    other._can_record = True
    assert run(Engine(other), PROMPT)[0] == expected
    assert len(tries) == 1  # not again for each token


def test_the_vocabularys_last_row_can_win(emulate: Emulate) -> None:
    model = small_model(16)
    model.lm_head.weight.data[:-1] *= 0.01
    model.lm_head.weight.data[-1] *= 100
    tokens = run(Engine(build(emulate, model).decoder), PROMPT)[0]
    assert set(tokens) <= {VOCAB - 1, *tokens}
    assert VOCAB - 1 in tokens
