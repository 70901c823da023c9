import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import (
    RepetitionPenaltyLogitsProcessor,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

from xverse_chat.config import GenerationSettings
from xverse_chat.engine.sampling import Sampler, keep_top_k, keep_top_p, penalise
from xverse_chat.errors import EngineError

CPU = torch.device("cpu")
seeds = st.integers(0, 2**20)


def logits(seed: int, count: int = 50) -> torch.Tensor:
    return torch.randn(count, generator=torch.Generator().manual_seed(seed)) * 4


@settings(max_examples=50, deadline=None)
@given(seeds, st.integers(1, 60))
def test_top_k_is_that_of_transformers(seed: int, count: int) -> None:
    scores = logits(seed)
    expected = TopKLogitsWarper(count)(torch.zeros(1, 1), scores[None])[0]
    assert torch.equal(keep_top_k(scores, count), expected)


@settings(max_examples=50, deadline=None)
@given(seeds, st.floats(0.01, 0.999))
def test_top_p_is_that_of_transformers(seed: int, mass: float) -> None:
    scores = logits(seed)
    expected = TopPLogitsWarper(mass)(torch.zeros(1, 1), scores[None])[0]
    assert torch.equal(keep_top_p(scores, mass), expected)


@settings(max_examples=50, deadline=None)
@given(seeds, st.floats(0.5, 2.0), st.lists(st.integers(0, 49), min_size=1))
def test_the_repetition_penalty_is_that_of_transformers(
    seed: int, penalty: float, seen: list[int]
) -> None:
    scores, ids = logits(seed), torch.tensor(seen)
    expected = RepetitionPenaltyLogitsProcessor(penalty)(ids[None], scores[None])[0]
    assert torch.allclose(penalise(scores, ids, penalty), expected)


def test_filters_that_are_off_change_nothing() -> None:
    scores = logits(0)
    assert torch.equal(keep_top_k(scores, 0), scores)
    assert torch.equal(keep_top_p(scores, 1.0), scores)
    assert torch.equal(penalise(scores, torch.tensor([1]), 1.0), scores)


def test_greedy_takes_the_likeliest_after_the_penalty() -> None:
    scores = torch.tensor([1.0, 3.0, 2.9])
    assert Sampler(GenerationSettings(), [1], CPU).choose(scores) == 1
    assert Sampler(GenerationSettings(repetition_penalty=1.2), [1], CPU).choose(scores) == 2


def test_the_penalty_counts_what_was_chosen_on_the_way() -> None:
    sampler = Sampler(GenerationSettings(repetition_penalty=1.2), [0], CPU)
    scores = torch.tensor([1.0, 3.0, 2.9])
    assert [sampler.choose(scores), sampler.choose(scores)] == [1, 2]


def draws(count: int = 20, **changes: object) -> list[int]:
    given_settings = GenerationSettings(do_sample=True).overridden(changes)
    sampler = Sampler(given_settings, [0], CPU)
    return [sampler.choose(logits(number) / 4) for number in range(count)]


def test_the_same_seed_gives_the_same_tokens() -> None:
    assert draws(seed=5) == draws(seed=5)
    assert draws(seed=5) != draws(seed=6)


def test_without_a_seed_torchs_own_counts() -> None:
    torch.manual_seed(1)
    first = draws()
    torch.manual_seed(1)
    assert draws() == first


def test_tokens_come_as_often_as_their_probability_says() -> None:
    scores = torch.tensor([2.0, 1.0, 0.0])
    sampler = Sampler(GenerationSettings(do_sample=True, temperature=0.5, seed=0), [0], CPU)
    counts = torch.bincount(torch.tensor([sampler.choose(scores) for _ in range(4000)]))
    expected = torch.softmax(scores.double() / 0.5, dim=-1) * 4000
    assert float(((counts - expected) ** 2 / expected).sum()) < 13.8  # chi-square, p = 0.001


@pytest.mark.parametrize("do_sample", [True, False])
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_logits_that_are_no_numbers_are_an_error(value: float, do_sample: bool) -> None:
    scores = logits(0)
    scores[7] = value
    with pytest.raises(EngineError, match="not numbers"):
        Sampler(GenerationSettings(do_sample=do_sample), [0], CPU).choose(scores)
