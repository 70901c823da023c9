"""A whole decode step against transformers in float64, on small models."""

import pytest
import torch

from tests.engine.cuda.small import CAPACITY, TUNING, VOCAB, Emulate, build, exact, small_model
from xverse_chat.engine.cuda.step import RING, Step
from xverse_chat.engine.cuda.tuning import Tuning

# (model bits, dtype, division of the work): each precision, both types, few and many blocks.
CASES = [
    (16, torch.float16, TUNING),
    (8, torch.float16, TUNING),
    (4, torch.float16, TUNING),
    (16, torch.bfloat16, TUNING),
    (4, torch.bfloat16, TUNING),
    (4, torch.float16, Tuning(1, 2, 1, 2048, 101_376)),  # fewer blocks than heads
    (8, torch.float16, Tuning(9, 1, 4, 2048, 101_376)),  # blocks that have nothing to do
    (16, torch.float16, Tuning(2, 1, 1, 64, 101_376)),  # rows in more than one piece
]


@pytest.mark.parametrize(("bits", "dtype", "tuning"), CASES)
def test_a_step_computes_what_transformers_does(
    bits: int, dtype: torch.dtype, tuning: Tuning, emulate: Emulate
) -> None:
    built = build(emulate, small_model(bits, dtype), tuning)
    reference = exact(built.model)
    buffers = built.buffers
    buffers.settings.view(torch.float32)[:3] = torch.tensor([0.0, 1.0, 1.0])
    step = Step(built.launcher, built.shape, tuning, built.weights, buffers)
    ids = torch.randint(0, VOCAB, (40,)).tolist()
    with torch.no_grad():
        expected = reference(torch.tensor([ids])).logits[0]
    for position, token in enumerate(ids):
        buffers.state[:3] = torch.tensor([token, position, position])
        step.run()
        error = (buffers.logits.double() - expected[position]).norm() / expected[position].norm()
        assert error < (2e-2 if dtype == torch.bfloat16 else 4e-3)
        best = int(buffers.logits.argmax())
        assert buffers.state[:3].tolist() == [best, position + 1, position + 1]
        assert buffers.ring[position % RING] == best


def test_many_past_tokens_are_attended_to_in_parts(emulate: Emulate) -> None:
    """Beyond 512 tokens two tasks share a head, and what they found must come together."""
    model = small_model(8, layers=1)
    built = build(emulate, model, Tuning(5, 1, 2, 2048, 101_376), capacity=600)
    reference = exact(model)
    buffers = built.buffers
    buffers.settings.view(torch.float32)[:3] = torch.tensor([0.0, 1.0, 1.0])
    ids = torch.randint(0, VOCAB, (560,)).tolist()
    built.decoder.prefill(ids[:-1], lambda: None)
    buffers.state[:2] = torch.tensor([ids[-1], len(ids) - 1])
    Step(built.launcher, built.shape, TUNING, built.weights, buffers).run()
    with torch.no_grad():
        expected = reference(torch.tensor([ids])).logits[0, -1]
    assert (buffers.logits.double() - expected).norm() / expected.norm() < 4e-3


def test_the_cache_is_read_no_further_than_it_is_filled(emulate: Emulate) -> None:
    built = build(emulate, small_model(16, layers=1))
    built.buffers.settings.view(torch.float32)[:3] = torch.tensor([0.0, 1.0, 1.0])
    step = Step(built.launcher, built.shape, TUNING, built.weights, built.buffers)
    step.run()
    assert built.buffers.logits.isfinite().all()
    written = built.buffers.cache.isfinite().all(dim=-1)
    assert written[..., 0].all()
    assert not written[..., 1:].any()
    assert written.shape[-1] == CAPACITY
