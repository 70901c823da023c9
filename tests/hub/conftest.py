"""Downloads in tests: a folder to serve, a server, and settings that do not wait long."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.hub.modelscope_server import ModelScopeServer
from tests.hub.upstream_folder import build_upstream_folder
from xverse_chat.hub.download import download_model
from xverse_chat.progress import Stage

# Of ModelScope's package, which reads them once, when it is imported.
FAST = {
    "MODELSCOPE_DOWNLOAD_MAX_RETRIES": "2",
    "MODELSCOPE_DOWNLOAD_RETRY_MAX_DELAY_SECONDS": "1",
    "MODELSCOPE_DOWNLOAD_TIMEOUT": "2",
    "MODELSCOPE_DOWNLOAD_INTRA_CLOUD": "false",
    "MODELSCOPE_API_MAX_RETRIES": "1",
    "MODELSCOPE_REPO_TREE_PAGE_MAX_ATTEMPTS": "1",
}
MODEL_ID = "xverse/XVERSE-7B-Chat"
FOLDER_NAME = "xverse--XVERSE-7B-Chat"


class Recorder:
    """Progress that remembers everything it was told."""

    def __init__(self) -> None:
        self.stages: list[tuple[Stage, int]] = []
        self.notes: list[str] = []
        self.done: dict[str, int] = {}
        self.open: set[str] = set()

    def begin(self, stage: Stage, total_bytes: int) -> None:
        self.stages.append((stage, total_bytes))
        self.done = {}

    def start(self, name: str, total_bytes: int) -> None:
        self.open.add(name)

    def advance(self, name: str, size_bytes: int) -> None:
        assert name in self.open, f"{name} advances before it starts"
        self.done[name] = self.done.get(name, 0) + size_bytes

    def finish(self, name: str) -> None:
        self.open.discard(name)

    def note(self, text: str) -> None:
        self.notes.append(text)


Download = Callable[..., Path]


@pytest.fixture(autouse=True, scope="session")
def fast_settings() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("MODELSCOPE_")]:
            patch.delenv(name)
        for name, value in FAST.items():
            patch.setenv(name, value)
        yield


@pytest.fixture(scope="session")
def pristine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An upstream folder of three shards. Never changed: see ``upstream``."""
    return build_upstream_folder(tmp_path_factory.mktemp("pristine") / "upstream")


@pytest.fixture
def upstream(pristine: Path, tmp_path: Path) -> Path:
    """An upstream folder that the test may change."""
    return Path(shutil.copytree(pristine, tmp_path / "upstream"))


@pytest.fixture
def server(upstream: Path) -> Iterator[ModelScopeServer]:
    with ModelScopeServer(upstream, MODEL_ID) as server:
        yield server


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def progress() -> Recorder:
    return Recorder()


@pytest.fixture
def download(server: ModelScopeServer, cache: Path, progress: Recorder) -> Download:
    """Download from the test server into the test cache; options as of ``download_model``."""

    def run(model_id: str = MODEL_ID, **options: Any) -> Path:
        settings: dict[str, Any] = {
            "cache_dir": cache,
            "endpoint": server.url,
            "progress": progress,
        }
        return download_model(model_id, **(settings | options))

    return run


@pytest.fixture
def target(cache: Path) -> Path:
    """Where the model folder belongs."""
    return cache / "xverse-chat" / FOLDER_NAME


@pytest.fixture(scope="session")
def reference(pristine: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The model folder that an undisturbed download makes."""
    with ModelScopeServer(pristine, MODEL_ID) as server:
        cache = tmp_path_factory.mktemp("reference")
        return download_model(MODEL_ID, cache_dir=cache, endpoint=server.url, progress=Recorder())


def contents(folder: Path) -> dict[str, bytes]:
    """Return every file of a model folder but its record, whose times differ."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "xverse_chat.json"
    }
