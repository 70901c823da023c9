"""The kernels, compiled once for each shape and kept for the whole run."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.engine.cuda.emulator import COMPILER, Emulator, build_emulator, build_products
from tests.engine.cuda.small import TUNING
from xverse_chat.engine.cuda.shape import Shape
from xverse_chat.engine.cuda.tuning import Tuning


@pytest.fixture(scope="session")
def kernels_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if COMPILER is None:
        pytest.skip("a C++ compiler is needed to build the kernels for the CPU")
    return tmp_path_factory.mktemp("kernels")


@pytest.fixture(scope="session")
def emulate(kernels_folder: Path) -> Callable[[Shape, Tuning], Emulator]:
    return lambda shape, tuning: build_emulator(shape, tuning, kernels_folder)


@pytest.fixture(scope="session")
def emulate_products(kernels_folder: Path) -> Callable[[Shape], Emulator]:
    return lambda shape: build_products(shape, TUNING, kernels_folder)
