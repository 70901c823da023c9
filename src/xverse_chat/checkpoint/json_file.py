"""Reading a small JSON file that someone else wrote. Standard library only."""

import json
from pathlib import Path
from typing import Any

from xverse_chat.errors import DataError, DiskError
from xverse_chat.wording import say, system_reason

# A tokenizer.json of 100,534 tokens has about 10 MB; configs and indices have far less.
MAX_JSON_BYTES = 64 * 2**20

REPAIR_HINT = say(
    "Run xverse-download --verify, which repairs a downloaded model (with --quant, if it was "
    "downloaded with that)."
)


def read_json(path: Path, *, max_bytes: int = MAX_JSON_BYTES) -> dict[str, Any]:
    """Return the JSON object in ``path``.

    Raises DataError when the file is missing, larger than ``max_bytes`` or no JSON object, and
    DiskError when it cannot be read.
    """
    try:
        with path.open("rb") as file:
            content = file.read(max_bytes + 1)
    except FileNotFoundError as error:
        raise DataError(
            say("{folder} is no model: it has no {name}.", folder=path.parent, name=path.name),
            hint=REPAIR_HINT,
        ) from error
    except OSError as error:
        raise DiskError(
            say("{path} cannot be read: {reason}.", path=path, reason=system_reason(error))
        ) from error
    if len(content) > max_bytes:
        raise DataError(
            say(
                "{path} is refused: it is larger than {limit} MiB.",
                path=path,
                limit=max_bytes // 2**20,
            )
        )
    try:
        data = json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise DataError(
            say("{path} is damaged: it is not JSON.", path=path), hint=REPAIR_HINT
        ) from error
    if not isinstance(data, dict):
        raise DataError(
            say("{path} is damaged: it holds no JSON object.", path=path), hint=REPAIR_HINT
        )
    return data
