"""Finding what ModelScope's own tools downloaded earlier, in any of their layouts.

Nothing in those folders is ever changed or deleted. Standard library only.
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from xverse_chat.checkpoint.shards import read_index
from xverse_chat.errors import DataError, UnavailableError
from xverse_chat.hub.listing import ListedFile, WantedFiles, choose_files, listing_of_folder


def earlier_folders(cache_dir: Path, model_id: str, revision: str) -> Iterator[Path]:
    """Yield the folders below ``cache_dir`` that may hold ``model_id``, the newest layout first."""
    owner, name = model_id.split("/")
    candidates = [
        cache_dir / "models" / f"{owner}--{name}" / "snapshots" / revision,
        cache_dir / "models" / owner / name,
    ]
    for top in ("hub/models", "", "hub"):
        candidates.append(cache_dir / top / owner / name)
        candidates.append(cache_dir / top / owner / name.replace(".", "___"))
    candidates.append(cache_dir / "models" / owner / name.replace(".", "___"))
    yield from (folder for folder in dict.fromkeys(candidates) if folder.is_dir())


def link_earlier_files(
    folders: Sequence[Path], files: Sequence[ListedFile], into: Path
) -> list[ListedFile]:
    """Link each file that lies in one of ``folders`` with its listed size; return those linked.

    Links, so that nothing is copied; deleting one leaves the file. Where the file system has no
    links, nothing is linked and the files are downloaded.
    """
    linked: list[ListedFile] = []
    for file in files:
        link = into / file.path
        if link.exists():
            continue
        for folder in folders:
            found = folder / file.path
            if not found.is_file() or found.stat().st_size != file.size_bytes:
                continue
            try:
                link.unlink(missing_ok=True)
                link.symlink_to(found.resolve())
            except OSError:
                return linked
            linked.append(file)
            break
    return linked


def whole_folder(folders: Iterable[Path]) -> tuple[Path, WantedFiles] | None:
    """Return the first folder that holds a whole model, by its own index, and what is in it."""
    for folder in folders:
        try:
            wanted = choose_files(listing_of_folder(folder), folder.name)
            index = read_index(folder)
        except (UnavailableError, DataError):
            continue
        if [file.path for file in wanted.shards] == list(index.files):
            return folder, wanted
    return None
