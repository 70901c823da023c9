"""What a GPU's driver is asked, with one that answers from a script."""

import sys
from types import ModuleType, SimpleNamespace

import pytest
import torch

from xverse_chat.engine.cuda.program import Program
from xverse_chat.engine.unavailable import KernelsUnavailableError

CPU = torch.device("cpu")


def put_driver(monkeypatch: pytest.MonkeyPatch, **answers: tuple[object, ...]) -> None:
    driver = SimpleNamespace(
        CUdevice_attribute=SimpleNamespace(CU_DEVICE_ATTRIBUTE_COOPERATIVE_LAUNCH=95),
        cuModuleLoadData=lambda code: answers.get("load", (0, "module")),
        cuDeviceGet=lambda number: (0, f"device {number}"),
        cuDeviceGetAttribute=lambda name, device: (
            answers["attribute"] if (name, device) == (95, "device 0") else (1,)
        ),
    )
    bindings = ModuleType("cuda.bindings")
    bindings.driver = driver  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "cuda", ModuleType("cuda"))
    monkeypatch.setitem(sys.modules, "cuda.bindings", bindings)


@pytest.mark.parametrize("can", [False, True])
def test_a_gpu_is_asked_whether_it_starts_blocks_together(
    can: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_driver(monkeypatch, attribute=(0, int(can)))
    assert Program(b"code", CPU).starts_together() is can


def test_code_that_the_driver_does_not_take_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    put_driver(monkeypatch, load=(218,))
    with pytest.raises(KernelsUnavailableError, match="refused the kernels: 218"):
        Program(b"code", CPU)
