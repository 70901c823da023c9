"""Kernel arguments as C sees them: an array of addresses, one for each argument."""

import ctypes
from collections.abc import Sequence
from typing import Protocol

from torch import Tensor

from xverse_chat.engine.cuda.layout import DeviceMatrix

Argument = Tensor | DeviceMatrix | ctypes.Structure | int


class Launcher(Protocol):
    """Starts kernels of one compiled program."""

    def launch(
        self,
        kernel: str,
        *,
        blocks: int,
        threads: int,
        arguments: Sequence[Argument],
        shared_bytes: int = 0,
        together: bool = False,
    ) -> None:
        """Start ``kernel``. With ``together`` all blocks run at once, so that they can meet."""
        ...

    def constant(self, name: str) -> int:
        """Return the value of an ``int`` that the program was compiled with."""
        ...


class Matrix(ctypes.Structure):
    """``struct Matrix`` of kernels/plan.cuh."""

    _fields_ = (("weights", ctypes.c_void_p), ("scales", ctypes.c_void_p))

    @classmethod
    def of(cls, matrix: DeviceMatrix) -> "Matrix":
        """Return the addresses of a matrix."""
        scales = matrix.scales
        return cls(matrix.weights.data_ptr(), None if scales is None else scales.data_ptr())


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


def _value(argument: Argument) -> "ctypes.c_void_p | ctypes.c_int | ctypes.Structure":
    if isinstance(argument, DeviceMatrix):
        return Matrix.of(argument)
    if isinstance(argument, Tensor):
        return ctypes.c_void_p(argument.data_ptr())
    return argument if isinstance(argument, ctypes.Structure) else ctypes.c_int(argument)
