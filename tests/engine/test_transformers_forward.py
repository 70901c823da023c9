from collections.abc import Callable

import pytest
import torch

from xverse_chat.engine.model import XverseForCausalLM
from xverse_chat.engine.transformers_forward import TransformersForward

IDS = [70, 291, 300, 12, 77, 290, 301, 302, 40, 41, 42]


class _Stop(Exception):
    pass


def go_on() -> None:
    pass


def stopping_after(calls: int) -> Callable[[], None]:
    left = iter(range(calls))

    def check() -> None:
        if next(left, None) is None:
            raise _Stop

    return check


def test_the_last_logits_come_back_whole_in_parts_and_after_cutting_back(
    model: XverseForCausalLM,
) -> None:
    expected = model(input_ids=torch.tensor([IDS])).logits[0, -1].detach()
    forward = TransformersForward(model)
    assert forward.length == forward.size_bytes == 0
    for token in IDS:
        logits = forward.run([token], go_on)
    assert (logits.shape, logits.dtype, forward.length) == ((512,), torch.float32, len(IDS))
    assert torch.allclose(logits, expected, atol=1e-5)
    forward.truncate(3)
    assert torch.allclose(forward.run(IDS[3:], go_on), expected, atol=1e-5)
    assert forward.size_bytes == 3 * 2 * 256 * 128 * 4


def test_a_stop_in_any_layer_leaves_the_length_and_the_next_result(
    model: XverseForCausalLM,
) -> None:
    forward = TransformersForward(model)
    forward.run(IDS[:4], go_on)
    expected = forward.run(IDS[4:], go_on)
    for layer in range(3):
        forward.truncate(4)
        with pytest.raises(_Stop):
            forward.run(IDS[4:], stopping_after(layer))
        assert forward.length == 4
        assert torch.equal(forward.run(IDS[4:], go_on), expected)


def test_the_model_computes_for_others_without_being_asked_to_stop(
    model: XverseForCausalLM,
) -> None:
    forward = TransformersForward(model)
    asked: list[int] = []
    forward.run(IDS, lambda: asked.append(1))
    assert len(asked) == 3
    model(input_ids=torch.tensor([IDS]))
    assert len(asked) == 3


def test_logits_are_float32_in_every_precision(model: XverseForCausalLM) -> None:
    forward = TransformersForward(model.to(torch.bfloat16))
    assert forward.run(IDS, go_on).dtype == torch.float32
