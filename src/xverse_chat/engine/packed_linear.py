"""A Linear whose weights are a part of a matrix that lies packed for a fast way of computing.

So a model's modules go on computing after their codes were packed, and nothing is held twice.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

from torch import Tensor, nn

from xverse_chat.errors import UsageError
from xverse_chat.wording import say


class PackedMatrix(Protocol):
    """A matrix (rows, columns) that multiplies."""

    @property
    def rows(self) -> int:
        """The width of the output."""

    @property
    def columns(self) -> int:
        """The width of the input."""

    @property
    def bits(self) -> int:
        """Bits of one weight: 4 or 8."""

    @property
    def weights(self) -> Tensor:
        """The packed codes, on their device."""

    def multiply(self, x: Tensor) -> Tensor:
        """Return (T, rows) in the dtype of ``x`` (T, columns)."""


class PackedLinear(nn.Module):
    """A Linear without bias whose weights are ``rows`` of ``matrix`` from ``first_row`` on."""

    def __init__(self, matrix: PackedMatrix, *, first_row: int, rows: int) -> None:
        super().__init__()
        self.matrix = matrix
        self.first_row = first_row
        self.in_features = matrix.columns
        self.out_features = rows

    @property
    def bits(self) -> int:
        """Bits of one weight: 4 or 8."""
        return self.matrix.bits

    def forward(self, hidden: Tensor) -> Tensor:
        """Return (…, N) for ``hidden`` (…, K), in its dtype."""
        out = self.matrix.multiply(hidden.reshape(-1, self.in_features))
        own = out[:, self.first_row : self.first_row + self.out_features]
        return own.reshape(*hidden.shape[:-1], self.out_features)

    def extra_repr(self) -> str:
        """Say what it is in the printout of a model."""
        return f"in_features={self.in_features}, out_features={self.out_features}, bits={self.bits}"

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> "PackedLinear":
        weights = self.matrix.weights
        if fn(weights.new_empty(0)).device != weights.device:
            raise UsageError(
                say(
                    "A quantized model that has answered stays where it is: its weights lie "
                    "there as they are read fastest."
                ),
                hint=say("Load the model again to use it elsewhere."),
            )
        return self


def put_packed(model: nn.Module, names: Sequence[str], matrix: PackedMatrix) -> None:
    """Put parts of ``matrix`` into the places of the linears ``names``, whose codes it holds."""
    first = 0
    for name in names:
        rows = int(model.get_submodule(name).out_features)  # type: ignore[arg-type]
        model.set_submodule(name, PackedLinear(matrix, first_row=first, rows=rows))
        first += rows
