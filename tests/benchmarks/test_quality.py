"""The functions by which the quality of the quantization is measured."""

import math
from typing import Any

import pytest
import torch

from benchmarks import quality_dialogues
from benchmarks.quality import in_order
from benchmarks.quality_dialogues import (
    Outcome,
    Row,
    answer_states,
    compare,
    held_out_rows,
    mean_figures,
)
from benchmarks.quality_llama_cpp import fitting_format, q4_k_m_format
from benchmarks.quality_matrices import output_error, relative_error
from benchmarks.quality_schemes import Place, Restored, is_installed, schemes
from benchmarks.quality_table import dialogue_table, matrix_table
from benchmarks.quality_variants import VARIANTS
from tests.engine.weights import groups_of, matrix, round_to_nearest
from training.encoding import IGNORED
from training.evaluate import load_tokenizer
from xverse_chat.config import demo_folder
from xverse_chat.engine.model import XverseForCausalLM


def test_errors_are_shares_of_what_there_is() -> None:
    exact = torch.tensor([[3.0, 4.0]])
    assert relative_error(exact, torch.tensor([[3.0, 3.0]])) == pytest.approx(1 / 25)
    assert output_error(exact, 0.9 * exact) == pytest.approx(0.01, rel=1e-4)


def test_divergence_is_that_of_the_formula() -> None:
    rows = [Row(torch.tensor([7, 0, 1]), torch.tensor([IGNORED, IGNORED, 1]))]
    exact, quantized = (torch.tensor([[math.log(share), 0.0]]) for share in (3.0, 0.5))
    found = compare(rows, (exact, torch.eye(2)), (quantized, torch.eye(2)))
    # Probabilities 3/4 and 1/4 against 1/3 and 2/3; the token that came is number 1.
    assert found.kl == pytest.approx(0.75 * math.log(9 / 4) + 0.25 * math.log(3 / 8), rel=1e-5)
    assert found.perplexity == pytest.approx(1.5, rel=1e-5)
    assert found.same_token == 0


def test_a_mean_has_the_spread_of_its_parts() -> None:
    found = mean_figures([Outcome(1, 2, 0.5), Outcome(3, 4, 1)])
    assert found == {"kl": 2, "perplexity": 3, "same_token": 0.75, "kl_error": 1}


def test_the_demo_model_answers_as_it_did_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quality_dialogues, "DIALOGUES", 3)
    model = XverseForCausalLM.from_pretrained(demo_folder(), dtype=torch.float32)
    tokenizer = load_tokenizer(demo_folder())
    rows = held_out_rows(
        lambda text: tokenizer.encode(text, add_special_tokens=False).ids, longest=1024
    )
    exact = answer_states(model, rows), model.lm_head.weight.detach()
    assert len(rows) == 3
    assert len(exact[0]) == sum(int((row.labels != IGNORED).sum()) for row in rows)
    same = compare(rows, exact, exact)
    assert same.kl == 0
    assert same.same_token == 1
    assert same.perplexity < 1.2  # states of other places than the labels' would give far more


def test_columns_come_back_to_their_places() -> None:
    weight = matrix(4, 128)
    seen = []

    def restore(ordered: torch.Tensor) -> Restored:
        seen.append(ordered)
        return Restored(ordered * 2, 4)

    assert torch.equal(in_order(1, weight, restore).weight, weight * 2)
    in_order(2, weight, restore)
    assert not torch.equal(seen[0], weight)
    assert not torch.equal(seen[0], seen[1])


def test_half_of_two_kinds_of_matrices_are_larger_in_q4_k_m() -> None:
    for name in ("v_proj", "down_proj"):
        formats = [q4_k_m_format(name, layer=layer, layers=32) for layer in range(32)]
        assert formats.count("Q6_K") == 16
        assert formats[:4] == formats[28:] == ["Q6_K"] * 4
    assert q4_k_m_format("o_proj", layer=0, layers=32) == "Q4_K"
    assert fitting_format("Q4_K", 11008) == "Q4_K"
    assert fitting_format("Q4_K", 384) == "Q5_0"


def test_our_schemes_need_no_other_library() -> None:
    own = [scheme for scheme in schemes() if is_installed(scheme.library)][:2]
    weight = matrix(16, 4096)
    restored = {scheme.name: scheme.linear(weight, Place("q_proj", 1, 32)) for scheme in own}
    assert [found.bits for found in restored.values()] == [8 + 16 / 4096, 4.3125]
    errors = [relative_error(weight, found.weight) for found in restored.values()]
    assert errors[0] < 0.0001
    assert 0.007 < errors[1] < 0.008


def test_variants_round_as_they_say() -> None:
    weight = matrix(8, 256)
    found = {variant.name: variant.restored(weight) for variant in VARIANTS}
    nearest = round_to_nearest(weight).view(8, 256).float()
    torch.testing.assert_close(found["rounding to nearest"], nearest, rtol=1e-4, atol=1e-7)
    errors = {name: relative_error(weight, restored) for name, restored in found.items()}
    order = ["every zero point × 48 scales", "24 clips, 1 refit", "24 clips", "rounding to nearest"]
    assert sorted(order, key=errors.__getitem__) == order
    assert errors["the engine's: 7 fits"] < 1.01 * errors[order[0]]
    assert errors["zero point of 16 bits"] < errors[order[0]]
    table = groups_of(found["a table of 16 values, no zero point"])
    assert max(len(group.unique()) for group in table.view(-1, 64)) <= 16


def test_what_is_missing_is_said_to_be() -> None:
    rows: list[dict[str, Any]] = [
        {"scheme": "one", "bits": 4.5, "errors": {"Gaussian": 0.0123}},
        {"scheme": "other", "bits": None, "errors": None},
    ]
    assert matrix_table(rows).splitlines()[2:] == [
        "| one | 4.50 | 1.23 % |",
        "| other | not measured | not measured |",
    ]
    missing = [{"scheme": "other", "bits": None, "head": "16 bits", "own_head": None}]
    assert dialogue_table(missing).count("not measured") == 5
