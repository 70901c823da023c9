"""The kernels, compiled once for each shape and kept for the whole run."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.engine.cuda.emulator import COMPILER, Emulator, build_emulator
from xverse_chat.engine.cuda.shape import Shape
from xverse_chat.engine.cuda.tuning import Tuning


@pytest.fixture(scope="session")
def emulate(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Shape, Tuning], Emulator]:
    if COMPILER is None:
        pytest.skip("a C++ compiler is needed to build the kernels for the CPU")
    folder: Path = tmp_path_factory.mktemp("kernels")
    return lambda shape, tuning: build_emulator(shape, tuning, folder)
