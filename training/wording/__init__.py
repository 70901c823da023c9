"""The words of the dialogues, one TOML file per language."""

import tomllib
from pathlib import Path
from typing import Any

LANGUAGES = ("zh", "en")
WORDING: dict[str, dict[str, Any]] = {
    language: tomllib.loads(
        (Path(__file__).parent / f"{language}.toml").read_text(encoding="utf-8")
    )
    for language in LANGUAGES
}
