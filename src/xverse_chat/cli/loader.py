"""What will be loaded, where and how: checked before, and apart from, the loading itself."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from xverse_chat.cli.source import ModelSource
from xverse_chat.progress import Progress

if TYPE_CHECKING:
    from xverse_chat.engine.local import LocalBackend


@dataclass(frozen=True, slots=True)
class Loader:
    """A model with the options it is loaded by."""

    source: ModelSource
    device: str
    dtype: str | None
    quant: int | None

    def check(self) -> None:
        """Raise what can be known without torch: no device, no folder, a damaged one, no room."""
        from xverse_chat.engine.memory import check_fits, resolve_device

        resolve_device(self.device)
        self.source.check_is_there()
        check_fits(self.source.folder, device=self.device, dtype=self.dtype, quant=self.quant)

    @property
    def bits(self) -> int | None:
        """The precision of the weights: the folder's own, where they are quantized there."""
        from xverse_chat.engine.folders import inspect_folder, loaded_bits

        return loaded_bits(inspect_folder(self.source.folder), self.quant)

    def load(self, progress: Progress) -> "LocalBackend":
        """Load the model; some seconds, all of torch."""
        from xverse_chat.engine.local import LocalBackend

        return LocalBackend.load(
            self.source.folder,
            model_id=self.source.model_id,
            device=self.device,
            dtype=self.dtype,
            quant=self.quant,
            progress=progress,
        )
