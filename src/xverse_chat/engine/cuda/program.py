"""A compiled program on a GPU, and the start of its kernels on torch's current stream."""

import ctypes
from collections.abc import Sequence
from typing import Any

import torch

from xverse_chat.engine.cuda.arguments import Argument, ArgumentArray
from xverse_chat.engine.unavailable import KernelsUnavailableError
from xverse_chat.wording import say

_PLENTY_OF_SHARED_BYTES = 48 * 1024  # more must be asked for


class Program:
    """A ``Launcher`` on a GPU. Starts may be captured into a CUDA graph."""

    def __init__(self, code: bytes, device: torch.device) -> None:
        from cuda.bindings import driver

        torch.zeros(1, device=device)  # makes torch's context current in this thread
        self._driver = driver
        self._device = device
        self._module = _checked(driver.cuModuleLoadData(code))
        self._kernels: dict[str, object] = {}
        self._launches: dict[tuple[int, int, bool], Any] = {}

    def constant(self, name: str) -> int:
        """Return the value of an ``int`` that the program was compiled with."""
        driver = self._driver
        address, size_bytes = _checked(driver.cuModuleGetGlobal(self._module, name.encode()))
        value = ctypes.c_int()
        _checked(driver.cuMemcpyDtoH(ctypes.addressof(value), address, size_bytes))
        return value.value

    def starts_together(self) -> bool:
        """Tell whether all blocks of a kernel can be started at once (cooperative launch)."""
        attribute = self._driver.CUdevice_attribute.CU_DEVICE_ATTRIBUTE_COOPERATIVE_LAUNCH
        device = _checked(self._driver.cuDeviceGet(self._device.index or 0))
        return bool(_checked(self._driver.cuDeviceGetAttribute(attribute, device)))

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
        array = ArgumentArray(arguments)
        settings = self._settings(threads, shared_bytes, together)
        settings.gridDimX = blocks
        settings.hStream = torch.cuda.current_stream().cuda_stream
        function = self._kernel(kernel, shared_bytes)
        _checked(self._driver.cuLaunchKernelEx(settings, function, array.address, 0))

    def _settings(self, threads: int, shared_bytes: int, together: bool) -> Any:
        """Return what such launches have in common: making it takes longer than a launch."""
        key = threads, shared_bytes, together
        if key not in self._launches:
            driver = self._driver
            launch = driver.CUlaunchConfig()
            launch.gridDimY = launch.gridDimZ = launch.blockDimY = launch.blockDimZ = 1
            launch.blockDimX = threads
            launch.sharedMemBytes = shared_bytes
            if together:
                attribute = driver.CUlaunchAttribute()
                attribute.id = driver.CUlaunchAttributeID.CU_LAUNCH_ATTRIBUTE_COOPERATIVE
                attribute.value.cooperative = 1
                launch.attrs = [attribute]
                launch.numAttrs = 1
            self._launches[key] = launch
        return self._launches[key]

    def _kernel(self, name: str, shared_bytes: int) -> object:
        driver = self._driver
        if name not in self._kernels:
            kernel = _checked(driver.cuModuleGetFunction(self._module, name.encode()))
            if shared_bytes > _PLENTY_OF_SHARED_BYTES:
                limit = driver.CUfunction_attribute.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES
                _checked(driver.cuFuncSetAttribute(kernel, limit, shared_bytes))
            self._kernels[name] = kernel
        return self._kernels[name]


def _checked(result: tuple[Any, ...]) -> Any:
    """Return what a call of the driver gave. Raises KernelsUnavailableError when it failed."""
    if int(result[0]) != 0:
        raise KernelsUnavailableError(
            say("the GPU's driver refused the kernels: {reason}", reason=result[0])
        )
    return result[1] if len(result) == 2 else result[1:]
