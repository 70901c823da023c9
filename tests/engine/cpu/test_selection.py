import pytest
import torch
from transformers import LlamaConfig

from xverse_chat.engine.cpu.selection import make_cpu_forward
from xverse_chat.engine.cpu.torch_steps import TorchSteps
from xverse_chat.engine.model import XverseForCausalLM
from xverse_chat.engine.unavailable import KernelsUnavailableError
from xverse_chat.wording import say


def small(**changes: object) -> XverseForCausalLM:
    shape = {
        "vocab_size": 64,
        "hidden_size": 64,
        "intermediate_size": 96,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "num_key_value_heads": 2,
    }
    model = XverseForCausalLM(LlamaConfig(**{**shape, **changes}))
    model.eval()
    return model


def tier_of(model: XverseForCausalLM) -> tuple[str, list[str]]:
    """Return which forward the model gets, and what was told."""
    told: list[str] = []
    forward = make_cpu_forward(model, told.append)
    if forward is None:
        return "plain", told
    return "operators" if isinstance(forward._steps, TorchSteps) else "kernels", told


@pytest.fixture
def no_kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise KernelsUnavailableError(say("there is no compiler"), hint=say("Install one."))

    monkeypatch.setattr("xverse_chat.engine.cpu.selection._load_kernels", fail)


def test_the_kernels_are_used_without_a_word() -> None:
    assert tier_of(small()) == ("kernels", [])


@pytest.mark.parametrize(
    "changes",
    [
        {"num_key_value_heads": 1},
        {"hidden_act": "gelu"},
        {"attention_bias": True},
        {"mlp_bias": True},
        {"rope_parameters": {"rope_type": "linear", "factor": 2.0, "rope_theta": 10000.0}},
    ],
)
def test_another_architecture_is_left_to_the_plain_way(changes: dict[str, object]) -> None:
    assert tier_of(small(**changes)) == ("plain", [])


@pytest.mark.parametrize(
    "changes",
    [
        {"num_attention_heads": 8, "num_key_value_heads": 8},  # heads of 8
        {"intermediate_size": 100},
    ],
)
def test_odd_widths_are_left_to_torchs_operators(changes: dict[str, object]) -> None:
    tier, told = tier_of(small(**changes))
    assert tier == "operators"
    assert told == [
        "Answers will be slower than they could be: the fast kernels are not made for a model of "
        "this shape."
    ]


def test_hooks_and_weights_elsewhere_are_left_to_the_plain_way() -> None:
    model = small()
    hook = model.model.layers[1].mlp.register_forward_hook(lambda *_: None)
    assert tier_of(model)[0] == "plain"
    hook.remove()
    assert tier_of(model)[0] == "kernels"
    assert tier_of(model.to("meta"))[0] == "plain"


@pytest.mark.usefixtures("no_kernels")
@pytest.mark.parametrize("bits", [None, 8, 4])
def test_without_a_compiler_torchs_operators_are_used_and_it_is_told_once(
    bits: int | None,
) -> None:
    model = small(intermediate_size=128)
    if bits is not None:
        model.quantize(bits)
    told = ["Answers will be slower than they could be: there is no compiler. Install one."]
    assert tier_of(model) == ("operators", told)


@pytest.mark.usefixtures("no_kernels")
def test_a_linear_of_another_kind_is_left_to_the_plain_way() -> None:
    class Adapted(torch.nn.Linear):
        pass

    model = small()
    model.model.layers[1].mlp.down_proj = Adapted(96, 64, bias=False)
    assert tier_of(model) == ("plain", [])
