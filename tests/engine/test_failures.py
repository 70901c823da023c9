import pytest
import torch

from xverse_chat.engine.failures import failure_in_answer, is_shortage
from xverse_chat.errors import DeviceLostError, EngineError, MemoryShortageError


def test_a_cpu_without_room_is_recognised() -> None:
    with pytest.raises(RuntimeError) as caught:
        torch.empty(2**46)
    assert is_shortage(caught.value)


def test_other_errors_are_no_shortage() -> None:
    with pytest.raises(RuntimeError) as caught:
        torch.ones(2) @ torch.ones(3)
    assert not is_shortage(caught.value)
    assert not is_shortage(ValueError("DefaultCPUAllocator"))


@pytest.mark.parametrize(
    ("error", "kind", "told", "advice"),
    [
        (torch.OutOfMemoryError("CUDA"), MemoryShortageError, "memory ran out", "/new"),
        (MemoryError(), MemoryShortageError, "memory ran out", "--quant 4"),
        (
            torch.AcceleratorError("an assert\nmore"),
            DeviceLostError,
            "GPU failed: an assert",
            "anew",
        ),
        (RuntimeError("a shape\nmore"), EngineError, "computation failed: a shape", "anew"),
    ],
)
def test_each_failure_is_told_in_a_line_with_what_to_do(
    error: RuntimeError | MemoryError, kind: type[EngineError], told: str, advice: str
) -> None:
    failure = failure_in_answer(error)
    assert type(failure) is kind
    assert told in failure.message
    assert "\n" not in failure.message
    assert advice in failure.hint
