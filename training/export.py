"""Put a trained model into the package: ``python -m training.export DIR --figures FILE``."""

import argparse
import json
from collections.abc import Mapping
from pathlib import Path

from training.upstream_folder import load_upstream_folder
from xverse_chat.hub.convert import convert_folder
from xverse_chat.hub.licence import Licence
from xverse_chat.progress import NoProgress

SOURCE_ID = "xverse-chat/demo"
REVISION = "1"
_HERE = Path(__file__).parent
_TARGET = _HERE.parent / "src" / "xverse_chat" / "demo"
_LICENCE = Licence(
    name="Apache-2.0",
    notice=(
        "The demo model of xverse-chat, under the Apache License 2.0. It was trained from random\n"
        "weights on dialogues that the project generates. It holds no weights of XVERSE and\n"
        "was not trained on its output.\n"
    ),
)


def export(source: Path, target: Path, figures: Mapping[str, Mapping[str, float]]) -> Path:
    """Make a model folder of an upstream folder, with the model card as its README."""
    folder = convert_folder(
        source,
        target,
        source_id=SOURCE_ID,
        revision=REVISION,
        licence=_LICENCE,
        progress=NoProgress(),
    )
    model = load_upstream_folder(source)
    size = sum(weight.numel() for weight in model.parameters())
    (folder / "README.md").write_text(model_card(figures, size), encoding="utf-8")
    return folder


def model_card(figures: Mapping[str, Mapping[str, float]], parameters: int) -> str:
    """Return the model card with the measured figures filled in."""
    card = (_HERE / "MODEL_CARD.md").read_text(encoding="utf-8")
    card = card.replace("{parameters}", f"{parameters / 1e6:.1f} million")
    return card.replace("{figures}", _table(figures))


def _table(figures: Mapping[str, Mapping[str, float]]) -> str:
    precisions = list(figures)
    lines = [
        f"| of 100 | {' | '.join(precisions)} |",
        "|---" * (len(precisions) + 1) + "|",
    ]
    for group in figures[precisions[0]]:
        values = " | ".join(f"{figures[precision][group]:.1f}" for precision in precisions)
        lines.append(f"| {_title(group)} | {values} |")
    return "\n".join(lines)


def _title(group: str) -> str:
    """Write ``recall zh 2`` out in words."""
    name, *rest = group.split()
    if name == "ended":
        return "answers that ended by themselves"
    language = {"zh": "Chinese", "en": "English"}[rest[0]]
    if name == "recall":
        return f"recalled {rest[1]} turns later, {language}"
    return f"{name}, {language}"


def main() -> None:
    """Convert, fill in the card and say where it lies."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="upstream folder that training wrote")
    parser.add_argument("--figures", type=Path, required=True, help="JSON file of the evaluation")
    parser.add_argument("--target", type=Path, default=_TARGET, help="model folder to write")
    options = parser.parse_args()
    figures = json.loads(options.figures.read_text(encoding="utf-8"))
    print(f"exported to {export(options.folder, options.target, figures)}")


if __name__ == "__main__":
    main()
