"""Names, defaults and folders, each stated once. Standard library and platformdirs only."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import platformdirs

from xverse_chat.errors import UsageError
from xverse_chat.wording import say

APPLICATION_NAME = "xverse-chat"
DEFAULT_MODEL_ID = "xverse/XVERSE-7B-Chat"
DEFAULT_REVISION = "master"
DEMO_MODEL_ID = "demo"
QUANTIZATION_BITS = (4, 8)

# AutoDL mounts its large data disk here; its system disk is too small for the weights.
RENTED_DATA_DISK = Path("/root/autodl-tmp")

_MODEL_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*/[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True, slots=True)
class GenerationSettings:
    """How the next token is chosen and how many may come. Raises ValueError when impossible.

    The defaults hold only where a model folder has no ``generation_config.json``. ``top_k`` 0
    and ``top_p`` 1 switch those filters off.
    """

    do_sample: bool = False
    temperature: float = 1.0
    top_p: float = 1.0
    top_k: int = 0
    repetition_penalty: float = 1.0
    max_new_tokens: int = 2048
    seed: int | None = None

    def __post_init__(self) -> None:
        # Written as "not (good)" so that NaN is refused too.
        if not 0.0 < self.temperature <= 100.0:
            raise ValueError(
                say(
                    "temperature must be above 0 and at most 100, not {value}; for the most likely "
                    "token each time use greedy decoding",
                    value=self.temperature,
                )
            )
        if not 0.0 < self.top_p <= 1.0:
            raise ValueError(
                say("top-p must be above 0 and at most 1, not {value}", value=self.top_p)
            )
        if self.top_k < 0:
            raise ValueError(say("top-k must be 0 (off) or more, not {value}", value=self.top_k))
        if not 0.0 < self.repetition_penalty <= 10.0:
            raise ValueError(
                say(
                    "repetition-penalty must be above 0 and at most 10 (1 is off), not {value}",
                    value=self.repetition_penalty,
                )
            )
        if self.max_new_tokens < 1:
            raise ValueError(
                say("max-new-tokens must be 1 or more, not {value}", value=self.max_new_tokens)
            )
        if self.seed is not None and not 0 <= self.seed < 2**63:
            raise ValueError(say("seed must be from 0 to 2^63 - 1, not {value}", value=self.seed))

    def overridden(self, options: Mapping[str, Any]) -> "GenerationSettings":
        """Return these settings with every option that is not None put over them."""
        return replace(
            self, **{name: value for name, value in options.items() if value is not None}
        )


def check_model_id(model_id: str) -> str:
    """Return ``model_id`` if it has the form ``OWNER/NAME``; raise UsageError otherwise."""
    if not _MODEL_ID.fullmatch(model_id) or ".." in model_id:
        raise UsageError(
            say(
                "{model_id!r} is no model id: it must have the form OWNER/NAME.", model_id=model_id
            ),
            hint=say("The default is {default}.", default=DEFAULT_MODEL_ID),
        )
    return model_id


def find_cache_dir(chosen: Path | None = None) -> Path:
    """Return the folder for downloads: the chosen one, else a default. Nothing is created.

    The default is ``/root/autodl-tmp`` where that exists, else the user's cache folder.
    """
    if chosen is not None:
        return chosen.expanduser().absolute()
    if RENTED_DATA_DISK.is_dir():
        return RENTED_DATA_DISK
    return platformdirs.user_cache_path(APPLICATION_NAME)


def model_folder_path(cache_dir: Path, model_id: str, bits: int | None = None) -> Path:
    """Return where ``model_id`` lies: ``CACHE/xverse-chat/OWNER--NAME``, ``-int4`` or ``-int8``."""
    ending = "" if bits is None else f"-int{bits}"
    name = check_model_id(model_id).replace("/", "--") + ending
    return cache_dir / APPLICATION_NAME / name


def conversations_folder() -> Path:
    """Return where conversations are saved. Nothing is created."""
    return platformdirs.user_data_path(APPLICATION_NAME) / "conversations"


def config_path() -> Path:
    """Return the user's own configuration file, there or not."""
    return platformdirs.user_config_path(APPLICATION_NAME) / "config.toml"


def completion_folder() -> Path:
    """Return where the scripts are that make shells complete options. Nothing is created."""
    return platformdirs.user_data_path(APPLICATION_NAME)


def input_history_path() -> Path:
    """Return where the line editor remembers what was typed. Nothing is created."""
    return platformdirs.user_state_path(APPLICATION_NAME) / "input-history.jsonl"


def kernel_cache_folder() -> Path:
    """Return where compiled GPU kernels are kept. Nothing is created."""
    return platformdirs.user_cache_path(APPLICATION_NAME) / "kernels"


def demo_folder() -> Path:
    """Return the demo model's folder inside the package."""
    return Path(__file__).parent / "demo"
