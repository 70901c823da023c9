"""Matrices like those of language models, and how far from them a quantized one computes."""

from collections.abc import Iterator

import torch
from torch import Tensor

# 65,536 groups of 64: the figures stand to three digits.
ROWS, COLUMNS = 1024, 4096
_ACTIVATIONS = 256
_OUTLIER_EVERY, _OUTLIER_FACTOR = 64, 6


def matrices() -> Iterator[tuple[str, Tensor]]:
    """Yield name and float32 matrix (ROWS, COLUMNS), the same ones every time."""
    draw = torch.Generator().manual_seed(1)
    yield "Gaussian", torch.randn(ROWS, COLUMNS, generator=draw)
    for degrees in (6, 4):
        yield f"Student t, {degrees} degrees", _student(degrees, draw)
    outliers = torch.randn(ROWS, COLUMNS, generator=draw)
    outliers[:, ::_OUTLIER_EVERY] *= _OUTLIER_FACTOR
    yield "Gaussian, one column of 64 sixfold", outliers


def relative_error(exact: Tensor, restored: Tensor) -> float:
    """Return the squared error as a share of the squared weights."""
    return float((restored - exact).square().sum() / exact.square().sum())


def output_error(exact: Tensor, restored: Tensor) -> float:
    """Return the squared error of outputs for Gaussian activations, as a share of the outputs."""
    draw = torch.Generator().manual_seed(2)
    activations = torch.randn(_ACTIVATIONS, exact.shape[1], generator=draw)
    return relative_error(activations @ exact.T, activations @ restored.T)


def _student(degrees: int, draw: torch.Generator) -> Tensor:
    """Draw Student's t: a Gaussian over the root of a mean of ``degrees`` squared Gaussians."""
    squares = torch.zeros(ROWS, COLUMNS)
    for _ in range(degrees):
        squares += torch.randn(ROWS, COLUMNS, generator=draw).square()
    return torch.randn(ROWS, COLUMNS, generator=draw) / (squares / degrees).sqrt()
