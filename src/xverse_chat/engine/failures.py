"""What torch's errors mean for somebody who waits for an answer."""

import torch

from xverse_chat.errors import DeviceLostError, EngineError, MemoryShortageError
from xverse_chat.wording import say


def is_shortage(error: BaseException) -> bool:
    """Tell whether memory ran out. For a CPU's torch has no error of its own, only a text."""
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    return isinstance(error, RuntimeError) and "DefaultCPUAllocator" in str(error)


def failure_in_answer(error: RuntimeError | MemoryError) -> EngineError:
    """Return what is told when a step of an answer ended with ``error``."""
    if is_shortage(error):
        return MemoryShortageError(
            say("The memory ran out in the middle of an answer."),
            hint=say(
                "Start a new conversation with /new, or load the model with --quant 8 or "
                "--quant 4, which leaves more room for long conversations."
            ),
        )
    reason = str(error).partition("\n")[0]
    if isinstance(error, torch.AcceleratorError):
        return DeviceLostError(
            say("The GPU failed: {reason}", reason=reason),
            hint=say("Start the program anew. If it fails again, see what nvidia-smi shows."),
        )
    return EngineError(
        say("The computation failed: {reason}", reason=reason),
        hint=say("If it happens again, start the program anew."),
    )
