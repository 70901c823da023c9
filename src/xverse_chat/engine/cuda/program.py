"""A compiled program on a GPU, and the start of its kernels on torch's current stream."""

from collections.abc import Sequence

import torch

from xverse_chat.engine.cuda.arguments import Argument, ArgumentArray
from xverse_chat.engine.cuda.compiler import KernelsUnavailableError

# Launches that may overlap with the one before them exist from Hopper on.
OVERLAP_CAPABILITY = (9, 0)


class Program:
    """A ``Launcher`` on a GPU. Starts may be captured into a CUDA graph."""

    def __init__(self, code: bytes, device: torch.device) -> None:
        from cuda.bindings import driver

        torch.zeros(1, device=device)  # makes torch's context current in this thread
        self._driver = driver
        self._module = _checked(driver.cuModuleLoadData(code))
        self._kernels: dict[str, object] = {}
        self._can_overlap = torch.cuda.get_device_capability(device) >= OVERLAP_CAPABILITY

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
        driver = self._driver
        if kernel not in self._kernels:
            self._kernels[kernel] = _checked(
                driver.cuModuleGetFunction(self._module, kernel.encode())
            )
        array = ArgumentArray(arguments)
        launch = driver.CUlaunchConfig()
        launch.gridDimX, launch.gridDimY, launch.gridDimZ = grid[0], grid[1], 1
        launch.blockDimX, launch.blockDimY, launch.blockDimZ = threads, 1, 1
        launch.hStream = torch.cuda.current_stream().cuda_stream
        if overlaps and self._can_overlap:
            attribute = driver.CUlaunchAttribute()
            attribute.id = (
                driver.CUlaunchAttributeID.CU_LAUNCH_ATTRIBUTE_PROGRAMMATIC_STREAM_SERIALIZATION
            )
            attribute.value.programmaticStreamSerializationAllowed = 1
            launch.attrs = [attribute]
            launch.numAttrs = 1
        _checked(driver.cuLaunchKernelEx(launch, self._kernels[kernel], array.address, 0))


def _checked(result: tuple[object, ...]) -> object:
    """Return what a call of the driver gave. Raises KernelsUnavailableError when it failed."""
    if int(result[0]) != 0:  # type: ignore[call-overload]
        raise KernelsUnavailableError(f"The GPU's driver refused the kernels: {result[0]}.")
    return result[1] if len(result) > 1 else None
