"""What was asked of a download."""

from dataclasses import dataclass
from pathlib import Path

from xverse_chat.config import model_folder_path
from xverse_chat.errors import UsageError
from xverse_chat.hub.server import check_endpoint
from xverse_chat.hub.staging import Staging
from xverse_chat.progress import Progress
from xverse_chat.wording import say


@dataclass(frozen=True, slots=True)
class Order:
    """A model to download, and how. Raises UsageError for what cannot be asked.

    ``quantized_share`` is the room, as a part of the shards', that quantizing them will take.
    """

    model_id: str
    revision: str
    cache_dir: Path
    endpoint: str | None
    keep_original: bool
    verify: bool
    progress: Progress
    quantized_share: float = 0.0

    def __post_init__(self) -> None:
        check_endpoint(self.endpoint)
        name = self.revision
        if not name or not name.isprintable() or name.startswith("/") or ".." in name:
            raise UsageError(
                say("{name!r} is no revision.", name=name),
                hint=say("Name a branch, tag or commit."),
            )

    @property
    def target(self) -> Path:
        """Where the model folder belongs."""
        return model_folder_path(self.cache_dir, self.model_id)

    @property
    def passing_mark(self) -> Path:
        """A file that is there while the model folder is only a step to a quantized one."""
        return self.target.parent / f".{self.target.name}.passing"

    @property
    def staging(self) -> Staging:
        """Where it is made; nothing is created or read yet."""
        return Staging(self.target, self.model_id, self.revision)
