"""Kernel arguments as C sees them: an array of addresses, one for each argument."""

import ctypes
from collections.abc import Sequence
from typing import Protocol

from torch import Tensor

from xverse_chat.engine.cuda.layout import DeviceMatrix

Argument = Tensor | DeviceMatrix | int


class Launcher(Protocol):
    """Starts kernels of one compiled program."""

    def launch(
        self,
        kernel: str,
        *,
        grid: tuple[int, int],
        threads: int,
        arguments: Sequence[Argument],
        overlaps: bool = False,
    ) -> None:
        """Start ``kernel``. With ``overlaps`` it may begin before the one before it has ended."""
        ...


class _Matrix(ctypes.Structure):
    """``struct Matrix`` of kernels/weights.cuh."""

    _fields_ = (
        ("weights", ctypes.c_void_p),
        ("scales", ctypes.c_void_p),
        ("zeros", ctypes.c_void_p),
    )


class ArgumentArray:
    """Holds the values for as long as their addresses are needed."""

    def __init__(self, arguments: Sequence[Argument]) -> None:
        self._values = [_value(argument) for argument in arguments]
        self._addresses = (ctypes.c_void_p * len(self._values))(
            *(ctypes.addressof(value) for value in self._values)
        )

    @property
    def address(self) -> int:
        """What the driver calls ``kernelParams``."""
        return ctypes.addressof(self._addresses)


def _value(argument: Argument) -> "ctypes.c_void_p | ctypes.c_int | _Matrix":
    if isinstance(argument, DeviceMatrix):
        return _Matrix(
            argument.weights.data_ptr(),
            argument.scales.data_ptr() if argument.scales is not None else None,
            argument.zeros.data_ptr() if argument.zeros is not None else None,
        )
    if isinstance(argument, Tensor):
        return ctypes.c_void_p(argument.data_ptr())
    return ctypes.c_int(argument)
