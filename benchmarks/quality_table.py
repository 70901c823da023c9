"""Results of the quality benchmark as Markdown tables. What is missing was not measured."""

from collections.abc import Mapping, Sequence
from typing import Any

_MISSING = "not measured"


def matrix_table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return relative squared errors of weights in percent, a column for each matrix."""
    names = next((list(row["errors"]) for row in rows if row["errors"]), [])
    lines = [_line(["scheme", "bits", *names]), _rule(len(names) + 2)]
    for row in rows:
        errors = row["errors"]
        figures = [_MISSING] * len(names)
        if errors:
            figures = [f"{100 * errors[name]:.3g} %" for name in names]
        lines.append(_line([row["scheme"], _bits(row["bits"]), *figures]))
    return "\n".join(lines)


def dialogue_table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return what happens to the demo model's answers, a line for each scheme."""
    columns = [
        "scheme",
        "bits",
        "lm_head",
        "KL, millinats",
        "perplexity",
        "same token",
        "KL with lm_head in 16 bits",
    ]
    lines = [_line(columns), _rule(len(columns))]
    for row in rows:
        figures = [_MISSING] * 4
        if own := row["own_head"]:
            same = row.get("exact_head", own)
            figures = [
                _divergence(own),
                f"{own['perplexity']:.5f}",
                f"{100 * own['same_token']:.3f} %",
                _divergence(same),
            ]
        lines.append(_line([row["scheme"], _bits(row["bits"]), row["head"], *figures]))
    return "\n".join(lines)


def _divergence(figures: Mapping[str, float]) -> str:
    return f"{1000 * figures['kl']:.3f} ± {1000 * figures['kl_error']:.3f}"


def _bits(bits: float | None) -> str:
    return _MISSING if bits is None else f"{bits:.2f}"


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _rule(columns: int) -> str:
    return _line(["---"] * columns)
