from collections.abc import Callable

import pytest
import torch

from tests.engine.cpu.matrices import exact, largest_error, weight
from tests.engine.cpu.rounded import heavy_tailed
from xverse_chat.engine.cpu import operators
from xverse_chat.engine.cpu.operators import (
    ByteWay,
    choose_operators,
    first_fast,
    in_floats,
    in_operator,
    in_whole_numbers,
)
from xverse_chat.engine.quant import quantize_linear

BFLOAT16 = torch.finfo(torch.bfloat16).eps
WAYS = [in_operator, in_floats, in_whole_numbers]


@pytest.mark.parametrize("has_bf16", [True, False])
@pytest.mark.parametrize("tokens", [1, 3, 17])
@pytest.mark.parametrize("way", WAYS)
def test_every_way_multiplies_bytes(
    way: ByteWay, tokens: int, has_bf16: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operators, "multiplies_bfloat16", lambda: has_bf16)
    monkeypatch.setattr(operators, "PIECE_COLUMNS", 128)
    linear = quantize_linear(weight(37, 320, 1), bits=8)
    x = torch.randn(tokens, 320, generator=torch.Generator().manual_seed(2))
    got = way(x, linear.values, linear.scales)
    assert (got.shape, got.dtype) == ((tokens, 37), torch.float32)
    matrix = exact([linear])
    if way is in_whole_numbers:  # each is at most half a 127th of the largest from what it was
        most = x.double().abs().amax(dim=1, keepdim=True) / 127 / 2 * matrix.abs().sum(dim=1)
        assert bool(((got - x.double() @ matrix.T).abs() <= 1.001 * most).all())
    else:  # half a unit of bfloat16 for an activation, and half a one for the result
        is_exact = way is in_floats and not has_bf16
        assert largest_error(got, x, matrix) < (1e-6 if is_exact else BFLOAT16)


def test_on_an_arm_processor_the_operator_multiplies_activations_as_they_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("platform.machine", lambda: "arm64")
    linear = quantize_linear(weight(24, 256, 1), bits=8)
    x = heavy_tailed(2, 256, seed=3)
    got = in_operator(x, linear.values, linear.scales)
    assert largest_error(got, x, exact([linear])) < 1e-6


def test_one_large_activation_spoils_its_piece_and_no_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(operators, "PIECE_COLUMNS", 64)
    linear = quantize_linear(torch.eye(128), bits=8)
    x = torch.randn(1, 128, generator=torch.Generator().manual_seed(2))
    x[0, 0] = 1000.0
    errors = (in_whole_numbers(x, linear.values, linear.scales) - x)[0].abs()
    assert float(errors[1:64].max()) > 0.5
    assert float(errors[64:].max()) < 0.03


@pytest.mark.parametrize("value", [torch.nan, torch.inf])
@pytest.mark.parametrize("way", WAYS)
def test_what_is_no_number_does_not_vanish(way: ByteWay, value: float) -> None:
    linear = quantize_linear(weight(8, 128, 0), bits=8)
    x = torch.ones(3, 128)
    x[1, 70] = value
    got = way(x, linear.values, linear.scales)
    assert not got[1].isfinite().any()
    assert got[[0, 2]].isfinite().all()


class Clock:
    """A clock on which only work takes time: on a busy machine real work takes any."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def perf_counter(self) -> float:
        return self.now_s

    def work(self, seconds: float) -> Callable[[], None]:
        def pass_time() -> None:
            self.now_s += seconds

        return pass_time


def missing() -> None:
    raise NotImplementedError("this build of torch has no such operator")


def absent() -> None:
    torch.ops.aten.no_such_operator()


def test_the_first_way_that_is_not_much_slower_is_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr(operators, "time", clock)
    fast, nearly, slow = clock.work(0.004), clock.work(0.0079), clock.work(0.0081)
    for ways, chosen in [
        ([fast, slow], fast),
        ([nearly, fast], nearly),
        ([slow, fast], fast),
        ([slow, nearly, fast], nearly),
        ([missing, absent, slow], slow),
    ]:
        assert first_fast(ways, lambda way: way()) is chosen


def test_the_trials_are_on_one_thread_and_leave_their_number() -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    counts = []
    try:
        first_fast([0], lambda _: counts.append(torch.get_num_threads()))
        assert set(counts) == {1}
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_a_build_without_the_operators_for_codes_makes_floats_of_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Such as Microsoft's compiler makes, only slower: there they exist, and are loops."""

    def gone(*_: object) -> None:
        raise RuntimeError("not compiled")

    monkeypatch.setattr(torch, "_weight_int8pack_mm", gone)
    monkeypatch.setattr(torch, "_int_mm", gone)
    monkeypatch.setattr(torch.ops.aten, "_weight_int4pack_mm_for_cpu", gone)
    chosen = choose_operators.__wrapped__()
    assert chosen.few is chosen.many is chosen.logits is in_floats
    assert not chosen.packs_nibbles
