"""Times on a GPU: a captured graph of launches, and the rate of a copy to hold it against."""

import statistics
from collections.abc import Callable

import torch
from torch import Tensor


def graph_seconds(launches: Callable[[], object], *, repeats: int = 7) -> float:
    """Return the median time of ``launches`` replayed as one CUDA graph, in seconds."""
    side = torch.cuda.Stream()  # type: ignore[no-untyped-call]
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        # Compiles, and lets cuBLAS take its workspace, before the capture.
        launches()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        launches()
    graph.replay()
    return statistics.median(event_seconds(graph.replay) for _ in range(repeats))


def event_seconds(work: Callable[[], object]) -> float:
    """Return the GPU's own time for ``work``, in seconds."""
    began, ended = (torch.cuda.Event(enable_timing=True) for _ in range(2))  # type: ignore[no-untyped-call]
    began.record()
    work()
    ended.record()
    torch.cuda.synchronize()
    return float(began.elapsed_time(ended)) / 1e3


def copy_rate(*, size_bytes: int = 2**32) -> float:
    """Return bytes read plus bytes written per second by a copy from device to device."""
    source = torch.ones(size_bytes, dtype=torch.uint8, device="cuda")
    target = torch.empty_like(source)
    target.copy_(source)
    seconds = statistics.median(event_seconds(lambda: target.copy_(source)) for _ in range(9))
    return 2 * size_bytes / seconds


def random_bytes(*shape: int) -> Tensor:
    """Return random bytes of ``shape`` on the GPU."""
    return torch.randint(0, 256, shape, dtype=torch.uint8, device="cuda")
