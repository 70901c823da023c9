"""What computes logits for the engine."""

from collections.abc import Callable, Sequence
from typing import Protocol

from torch import Tensor

CheckStop = Callable[[], None]


class Forward(Protocol):
    """Computes the logits of one sequence of tokens, with a KV cache of its own."""

    @property
    def length(self) -> int:
        """The tokens in the KV cache."""

    @property
    def size_bytes(self) -> int:
        """The memory that the KV cache takes, in use or not."""

    def run(self, ids: Sequence[int], check_stop: CheckStop) -> Tensor:
        """Append ``ids``; return the logits (V,) of the last one, float32.

        ``check_stop`` is called in each layer and may raise: the cache then keeps its length.
        """

    def truncate(self, length: int) -> None:
        """Keep the first ``length`` tokens."""

    def forget(self) -> None:
        """Keep no token, and give the memory back."""
