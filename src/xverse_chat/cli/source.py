"""Which model is meant, and where its folder is."""

import shlex
from dataclasses import dataclass
from pathlib import Path

from xverse_chat.config import (
    DEFAULT_MODEL_ID,
    DEMO_MODEL_ID,
    QUANTIZATION_BITS,
    check_model_id,
    demo_folder,
    find_cache_dir,
    model_folder_path,
)
from xverse_chat.errors import UnavailableError, UsageError
from xverse_chat.wording import say


@dataclass(frozen=True, slots=True)
class ModelSource:
    """A model and its folder. ``is_downloadable`` when it is known by an id of ModelScope's.

    ``quant`` is the precision asked for, None for 16 bits.
    """

    model_id: str
    folder: Path
    cache_dir: Path
    is_downloadable: bool
    quant: int | None = None

    @property
    def is_there(self) -> bool:
        """Tell whether there is a folder to load from."""
        return self.folder.is_dir()

    @property
    def other_bits(self) -> tuple[int, ...]:
        """The precisions that are on this machine while the one asked for is not."""
        if self.is_there or not self.is_downloadable:
            return ()
        return tuple(
            bits
            for bits in QUANTIZATION_BITS
            if model_folder_path(self.cache_dir, self.model_id, bits).is_dir()
        )

    @property
    def download_command(self) -> str:
        """The exact command that brings this model in the precision asked for."""
        words = ["xverse-download"]
        if self.model_id != DEFAULT_MODEL_ID:
            words.append(self.model_id)
        if self.quant is not None:
            words += ["--quant", str(self.quant)]
        return shlex.join([*words, "--cache-dir", str(self.cache_dir)])

    def check_is_there(self) -> None:
        """Raise UnavailableError, with the command that brings the model, when it is not there."""
        if self.other_bits:
            wanted = "16" if self.quant is None else str(self.quant)
            there = str(self.other_bits[0])
            if len(self.other_bits) > 1:
                there = say("{bits} and {more}", bits=there, more=self.other_bits[1])
            raise UnavailableError(
                say(
                    "The model {model_id} is on this machine in {there} bits, and not in "
                    "{wanted}: there is no {folder}.",
                    model_id=self.model_id,
                    there=there,
                    wanted=wanted,
                    folder=self.folder,
                ),
                hint=say(
                    "Use --quant {bits}, or run `{command}` once.",
                    bits=self.other_bits[0],
                    command=self.download_command,
                ),
            )
        if not self.is_there:
            raise UnavailableError(
                say(
                    "The model {model_id} is not on this machine: there is no {folder}.",
                    model_id=self.model_id,
                    folder=self.folder,
                ),
                hint=say(
                    "Run `{command}` once, or talk to the small demo model with "
                    "`xverse-chat --demo`.",
                    command=self.download_command,
                ),
            )


def find_source(
    model: str | None, *, demo: bool, cache_dir: Path | None, quant: int | None = None
) -> ModelSource:
    """Find what ``--model`` (an id, a folder, or ``demo``) or ``--demo`` names.

    For an id the folder of the precision ``quant`` is preferred, if it is there; any precision
    can be made of the 16-bit one.

    Raises UnavailableError for a folder that does not exist, UsageError for options that
    contradict each other.
    """
    if demo and model not in (None, DEMO_MODEL_ID):
        raise UsageError(
            say("--demo and --model {model} name two different models.", model=model),
            hint=say("Leave one of them out."),
        )
    cache = find_cache_dir(cache_dir)
    if demo or model == DEMO_MODEL_ID:
        return ModelSource(DEMO_MODEL_ID, demo_folder(), cache, is_downloadable=False)
    name = model or DEFAULT_MODEL_ID
    if model is not None:
        path = Path(model).expanduser()
        if path.is_dir():
            resolved = path.resolve()
            return ModelSource(resolved.name, resolved, cache, is_downloadable=False)
        if path.exists():
            raise UnavailableError(
                say(
                    "{path} is a file; --model wants a folder, or an id such as {default}.",
                    path=path,
                    default=DEFAULT_MODEL_ID,
                )
            )
    try:
        check_model_id(name)
    except UsageError as error:
        raise UnavailableError(
            say(
                "There is no folder {name}, and it is no model id of the form OWNER/NAME either.",
                name=name,
            ),
            hint=say(
                "The default model is {default}; `--model demo` is the small demo.",
                default=DEFAULT_MODEL_ID,
            ),
        ) from error
    folder = model_folder_path(cache, name)
    if quant is not None and (quantized := model_folder_path(cache, name, quant)).is_dir():
        folder = quantized
    return ModelSource(name, folder, cache, is_downloadable=True, quant=quant)
