"""Machine code that was compiled here, kept in the user's cache folder for the next start.

Each file ends with the checksum of what is before it: a file cut off by a lost disk or a power cut
would be loaded like a whole one, and end the program when the missing part is reached.
"""

import hashlib
import tempfile
from pathlib import Path

from xverse_chat.config import kernel_cache_folder

_DIGEST_BYTES = hashlib.sha256().digest_size


def code_path(key: object, ending: str) -> Path:
    """Return where the code made of ``key`` is kept: all that it depends on, as it prints."""
    name = hashlib.sha256(repr(key).encode()).hexdigest()[:32]
    return kernel_cache_folder() / f"{name}{ending}"


def read_code(path: Path) -> bytes | None:
    """Return the code that is kept in ``path``, or None where none is, or a damaged one."""
    try:
        sealed = path.read_bytes()
    except OSError:
        return None
    code, digest = sealed[:-_DIGEST_BYTES], sealed[-_DIGEST_BYTES:]
    return code if hashlib.sha256(code).digest() == digest else None


def keep_code(path: Path, code: bytes) -> bool:
    """Write ``code`` to ``path``, whole or not at all; tell whether that could be done.

    Where it cannot, a full or a read-only disk, it is compiled again next time.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
            partial = Path(file.name)
            try:
                file.write(code + hashlib.sha256(code).digest())
                file.close()
                partial.replace(path)
            except BaseException:
                partial.unlink(missing_ok=True)
                raise
    except OSError:
        return False
    return True
