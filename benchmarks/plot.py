"""Draw the README's picture of decoding speed from the result files.

``python -m benchmarks.plot images/speed.svg``. Needs matplotlib.
"""

import argparse
import json
from collections.abc import Mapping
from pathlib import Path

import matplotlib

matplotlib.use("svg")
from matplotlib import pyplot

RESULTS = Path(__file__).with_name("results")
PRECISIONS = ("16", "8", "4")
INK, OURS, OTHERS = "#7d8590", "#2f81f7", "#adb5bd"  # readable on white and on black


def decode_rates() -> Mapping[str, Mapping[str, float]]:
    """Return tokens per second of each engine by bits, ours first."""
    gpu = json.loads((RESULTS / "gpu_h200.json").read_text("utf-8"))
    ours = {bits: float(gpu[f"decode_{bits}"]["tokens_per_s"]) for bits in PRECISIONS}
    peers = json.loads((RESULTS / "peers_h200.json").read_text("utf-8"))["decode_tokens_per_s"]
    return {"xverse-chat": ours, **peers}


def main() -> None:
    """Draw and write the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    options = parser.parse_args()
    pyplot.rcParams.update({"svg.fonttype": "none", "font.size": 10, "svg.hashsalt": "xverse-chat"})
    figure, axes = pyplot.subplots(figsize=(7.5, 4.4))
    place = 0.0
    places, labels = [], []
    for bits in PRECISIONS:
        for name, rates in decode_rates().items():
            if bits not in rates:
                continue
            is_ours = name == "xverse-chat"
            axes.barh(place, rates[bits], 0.8, color=OURS if is_ours else OTHERS)
            axes.text(rates[bits] + 8, place, f"{rates[bits]:.0f}", va="center", color=INK)
            places.append(place)
            labels.append(f"{bits} bits  {name}" if is_ours else name)
            place += 1
        place += 0.6
    axes.set_yticks(places, labels, color=INK)
    axes.invert_yaxis()
    axes.set_xlabel("tokens/s, one conversation, 512 tokens of context, one H200", color=INK)
    axes.tick_params(colors=INK)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(INK)
    figure.tight_layout()
    figure.savefig(options.out, transparent=True, metadata={"Date": None})


if __name__ == "__main__":
    main()
