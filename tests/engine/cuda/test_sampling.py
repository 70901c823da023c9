"""What the kernels draw, against the plain sampler's filters and probabilities."""

import math

import pytest
import torch
from torch import Tensor

from tests.engine.cuda.small import Built, Emulate, build, small_model
from xverse_chat.config import GenerationSettings
from xverse_chat.engine.cuda.decoder import _settings_words
from xverse_chat.engine.cuda.step import Step
from xverse_chat.engine.cuda.tuning import Tuning
from xverse_chat.engine.sampling import keep_top_k, keep_top_p, penalise

TUNING = Tuning(blocks=3, teams=1, splits=1, row_piece=2048, shared_limit_bytes=101_376)
# Scores that are nearer than this are one place of the kernels' histograms.
SAME_PLACE = 48 / 2**20 * 1.01


class Drawer:
    """Draws tokens from one hidden state again and again."""

    def __init__(self, emulate: Emulate) -> None:
        self.built: Built = build(emulate, small_model(16, layers=1), TUNING)
        self._step = Step(
            self.built.launcher, self.built.shape, TUNING, self.built.weights, self.built.buffers
        )
        self.built.decoder.prefill([5, 6, 7], lambda: None)
        self.logits = self._greedy_logits()

    def _greedy_logits(self) -> Tensor:
        self.draw(GenerationSettings(), 0)
        return self.built.buffers.logits.clone()

    def draw(self, settings: GenerationSettings, seed: int, seen: Tensor | None = None) -> int:
        buffers = self.built.buffers
        buffers.settings.copy_(_settings_words(settings.overridden({"seed": seed})))
        buffers.seen.zero_()
        if seen is not None:
            buffers.seen[seen] = 1
        buffers.state[1:3] = torch.tensor([3, 0])
        self._step.choose()
        return int(buffers.state[0])


@pytest.fixture(scope="module")
def drawer(emulate: Emulate) -> Drawer:
    return Drawer(emulate)


def settings_of(**options: float) -> GenerationSettings:
    return GenerationSettings(do_sample=True).overridden(options)


def kept(logits: Tensor, settings: GenerationSettings) -> Tensor:
    """Return the filtered scores (V,) float64 that the plain sampler draws from."""
    scores = logits.double() / settings.temperature
    return keep_top_p(keep_top_k(scores, settings.top_k), settings.top_p)


@pytest.mark.parametrize(
    "settings",
    [
        settings_of(top_k=5),
        settings_of(top_p=0.4),
        settings_of(top_k=12, top_p=0.6, temperature=2.0),
        settings_of(top_k=300, top_p=0.95, temperature=4.0),
        settings_of(top_k=1),
        settings_of(top_p=1e-6),
    ],
)
def test_what_is_drawn_is_what_the_filters_keep(
    settings: GenerationSettings, drawer: Drawer
) -> None:
    scores = kept(drawer.logits, settings)
    least = scores[scores.isfinite()].min() - SAME_PLACE
    drawn = [drawer.draw(settings, seed) for seed in range(60)]
    assert all(drawer.logits[token] / settings.temperature >= least for token in drawn)
    if int(scores.isfinite().sum()) > 1:
        assert len(set(drawn)) > 1


def test_tokens_come_as_often_as_they_are_likely(drawer: Drawer) -> None:
    settings = settings_of(top_k=4, temperature=3.0)
    expected = torch.softmax(kept(drawer.logits, settings), dim=-1)
    count = 400
    drawn = torch.bincount(
        torch.tensor([drawer.draw(settings, seed) for seed in range(count)]), minlength=301
    )
    for token in expected.nonzero().flatten().tolist():
        p = float(expected[token])
        assert abs(int(drawn[token]) - count * p) < 5 * math.sqrt(count * p * (1 - p))


def test_without_filters_every_token_can_come(drawer: Drawer) -> None:
    settings = settings_of(temperature=100.0)
    drawn = {drawer.draw(settings, seed) for seed in range(200)}
    assert len(drawn) > 100


def test_seen_tokens_are_penalised_as_by_the_plain_sampler(drawer: Drawer) -> None:
    settings = GenerationSettings(repetition_penalty=1.7)
    seen = torch.tensor([int(drawer.logits.argmax()), 0, 300])
    token = drawer.draw(settings, 0, seen)
    expected = penalise(drawer.logits, seen, 1.7)
    assert torch.allclose(drawer.built.buffers.logits, expected, rtol=1e-6)
    assert token == int(expected.argmax())
    assert drawer.built.buffers.seen[token] == 1


def test_equal_scores_go_to_the_lower_token_when_greedy(emulate: Emulate) -> None:
    drawer = Drawer(emulate)
    head = drawer.built.weights.head.weights
    best = int(drawer.logits.argmax())
    other = 299 if best != 299 else 298
    head[other] = head[best]
    assert drawer.draw(GenerationSettings(), 0) == min(best, other)


@pytest.mark.parametrize("wrong", [torch.nan, torch.inf])
def test_a_logit_that_is_no_number_is_told_to_the_host(wrong: float, emulate: Emulate) -> None:
    drawer = Drawer(emulate)
    drawer.built.weights.head.weights[7, 0] = wrong
    drawer.draw(settings_of(top_k=5), 1)
    assert drawer.built.buffers.ring[0] == -1
