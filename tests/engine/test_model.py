import json
import shutil
import threading
from pathlib import Path

import pytest
import torch
from transformers import GenerationConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from tests.engine.reference import logits, upstream_prompt
from xverse_chat import XverseForCausalLM, load_tokenizer
from xverse_chat.checkpoint.shards import read_bin_shard
from xverse_chat.config import GenerationSettings
from xverse_chat.engine.folders import inspect_folder
from xverse_chat.engine.quant import QuantizedLinear
from xverse_chat.engine.tokenizer import IncrementalDecoder, TextTokenizer
from xverse_chat.errors import ContextLengthError, DataError, UnavailableError, UsageError
from xverse_chat.progress import NoProgress

GREEDY = GenerationConfig(do_sample=False, repetition_penalty=1.0, max_new_tokens=32)
TALK = [
    {"role": "user", "content": "hello, what is your name?"},
    {"role": "assistant", "content": "hello! 我叫元象。"},
    {"role": "user", "content": "你喜欢什么？"},
]


def weights_of(upstream: Path) -> dict[str, torch.Tensor]:
    parts = [read_bin_shard(path) for path in sorted(upstream.glob("*.bin"))]
    return {name: tensor for part in parts for name, tensor in part.items()}


def test_greedy_decoding_is_upstreams_token_for_token(
    upstream: Path, model: XverseForCausalLM, tokenizer: PreTrainedTokenizerFast
) -> None:
    weights = weights_of(upstream)
    ids = upstream_prompt(
        lambda text: tokenizer(text, add_special_tokens=False)["input_ids"],
        TALK,
        context=512,
        max_new_tokens=32,
        eos=3,
    )
    prompt_length = len(ids)
    while len(ids) < prompt_length + 32 and ids[-1] != 3:
        ids.append(int(logits(weights, ids, heads=4)[-1].argmax()))
    expected = ids[prompt_length:]
    settings = GenerationSettings(max_new_tokens=32)
    events = model.engine.reply(
        ids[:prompt_length], settings, eos_token_id=3, stop=threading.Event()
    )
    assert [event for event in events if isinstance(event, int)] == expected
    decoder = IncrementalDecoder(TextTokenizer.of(tokenizer))
    text = "".join([*map(decoder.push, expected), decoder.flush()])
    assert model.chat(tokenizer, TALK, generation_config=GREEDY) == text


def test_logits_are_upstreams(upstream: Path, model: XverseForCausalLM) -> None:
    ids = list(range(4, 104))
    expected = logits({k: v.double() for k, v in weights_of(upstream).items()}, ids, heads=4)
    got = model(input_ids=torch.tensor([ids])).logits[0].detach()
    assert float((got.double() - expected).abs().max()) < 1e-4


def test_a_stream_equals_the_whole(
    model: XverseForCausalLM, tokenizer: PreTrainedTokenizerFast
) -> None:
    config = GenerationConfig(do_sample=False, max_new_tokens=60)
    pieces = list(model.chat(tokenizer, TALK, stream=True, generation_config=config))
    assert len(pieces) > 10
    assert "".join(pieces) == model.chat(tokenizer, TALK, generation_config=config)


def test_chat_samples_as_the_folder_says(
    model: XverseForCausalLM, tokenizer: PreTrainedTokenizerFast
) -> None:
    torch.manual_seed(0)
    first = model.chat(tokenizer, TALK)
    torch.manual_seed(0)
    assert model.chat(tokenizer, TALK) == first
    assert model.chat(tokenizer, TALK) != first


def test_transformers_generate_gives_the_same_tokens(
    model: XverseForCausalLM, tokenizer: PreTrainedTokenizerFast
) -> None:
    prompt = tokenizer("Human: hi\n\nAssistant: ", add_special_tokens=False, return_tensors="pt")
    ids = prompt["input_ids"]
    out = model.generate(
        ids,
        attention_mask=torch.ones_like(ids),
        do_sample=False,
        repetition_penalty=1.0,
        max_new_tokens=12,
        temperature=None,
        top_k=None,
        top_p=None,
    )
    text = tokenizer.decode(out[0, ids.shape[1] :], skip_special_tokens=True)
    said = model.chat(
        tokenizer,
        [{"role": "user", "content": "hi"}],
        generation_config=GenerationConfig(
            do_sample=False, repetition_penalty=1.0, max_new_tokens=12
        ),
    )
    assert said == text


def test_a_saved_model_is_a_plain_llama(model: XverseForCausalLM, tmp_path: Path) -> None:
    model.save_pretrained(tmp_path)
    plain = LlamaForCausalLM.from_pretrained(tmp_path, dtype=torch.float32)
    ids = torch.tensor([[5, 6, 7]])
    assert torch.equal(plain(ids).logits, model(ids).logits)


def test_the_cache_is_kept_between_turns(
    model: XverseForCausalLM, tokenizer: PreTrainedTokenizerFast
) -> None:
    computed: list[int] = []
    model.model.layers[0].register_forward_pre_hook(
        lambda _, inputs: computed.append(inputs[0].shape[1])
    )
    short = GenerationConfig(do_sample=False, repetition_penalty=1.0, max_new_tokens=1)
    model.chat(tokenizer, TALK[:1], generation_config=short)
    model.chat(tokenizer, TALK, generation_config=short)
    first, new = computed
    computed.clear()
    model.engine.forget()
    model.chat(tokenizer, TALK, generation_config=short)
    assert 0 <= first - (computed[0] - new) <= 4  # all of the first prompt but its cue was kept


def test_errors_reach_the_caller_of_a_stream(
    model: XverseForCausalLM, tokenizer: PreTrainedTokenizerFast
) -> None:
    long = [{"role": "user", "content": "1" * 600}]
    with pytest.raises(ContextLengthError):
        next(model.chat(tokenizer, long, stream=True))


@pytest.mark.parametrize(
    "messages",
    [
        [],
        [{"role": "robot", "content": "x"}],
        [{"role": "user"}],
        [{"role": "user", "content": ""}],
        ["hi"],
        [{"role": "user", "content": "x"}, {"role": "assistant", "content": "y"}],
    ],
)
def test_messages_that_cannot_be_answered_are_refused_at_once(
    messages: list[dict[str, str]], model: XverseForCausalLM, tokenizer: PreTrainedTokenizerFast
) -> None:
    with pytest.raises(DataError):
        model.chat(tokenizer, messages, stream=True)


def test_closing_the_stream_stops_the_work(
    model: XverseForCausalLM, tokenizer: PreTrainedTokenizerFast
) -> None:
    steps: list[int] = []
    model.model.layers[0].register_forward_hook(lambda *_: steps.append(1))
    stream = model.chat(tokenizer, TALK, stream=True, generation_config=GREEDY)
    next(stream)
    said = len(steps)
    stream.close()
    assert said < 32
    assert len(steps) == said


@pytest.mark.parametrize("bits", [4, 8])
def test_quantizing_replaces_every_linear_and_returns_the_model(
    bits: int, model: XverseForCausalLM, tokenizer: PreTrainedTokenizerFast
) -> None:
    ids = torch.tensor([list(range(4, 60))])
    exact = model(ids).logits.detach()
    assert model.quantize(bits) is model
    kinds = {
        name: part.bits for name, part in model.named_modules() if isinstance(part, QuantizedLinear)
    }
    assert len(kinds) == 3 * 7 + 1
    assert kinds.pop("lm_head") == 8
    assert set(kinds.values()) == {bits}
    assert not any(isinstance(part, torch.nn.Linear) for part in model.modules())
    error = (model(ids).logits.detach() - exact).square().mean() / exact.square().mean()
    # 21 matrices one after the other, each with 0.9 % of its square in error, or 0.004 %.
    assert float(error) < 21 * {4: 0.009, 8: 0.00004}[bits]
    assert isinstance(model.chat(tokenizer, TALK, generation_config=GREEDY), str)


def test_quantizing_twice_or_otherwise_is_a_clear_error(model: XverseForCausalLM) -> None:
    for bits in (3, 16, "4", True, 4.5):
        with pytest.raises(UsageError, match="bits are 4 or 8"):
            model.quantize(bits)
    model.quantize(8)
    with pytest.raises(UsageError, match="quantized to 8 bits already"):
        model.quantize(8)


def test_loading_quantized_gives_the_same_as_quantizing_what_was_loaded(
    upstream: Path, model: XverseForCausalLM
) -> None:
    loaded = XverseForCausalLM.load(
        inspect_folder(upstream),
        device=torch.device("cpu"),
        dtype=torch.float32,
        bits=4,
        progress=NoProgress(),
    )
    ids = torch.tensor([[5, 6, 7]])
    assert torch.equal(loaded(ids).logits, model.quantize(4)(ids).logits)


@pytest.mark.parametrize("bits", [None, 4])
def test_a_head_that_is_the_embeddings_stays_so(
    bits: int | None, upstream: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(upstream, tmp_path / "copy")
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    config["tie_word_embeddings"] = True
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    for path in folder.glob("*.bin"):
        tensors = torch.load(path, weights_only=True)
        torch.save({k: v for k, v in tensors.items() if k != "lm_head.weight"}, path)
    whole = XverseForCausalLM.from_pretrained(folder, dtype=torch.float32)
    loaded = XverseForCausalLM.load(
        inspect_folder(folder),
        device=torch.device("cpu"),
        dtype=torch.float32,
        bits=bits,
        progress=NoProgress(),
    )
    if bits is not None:
        whole.quantize(bits)
    for model in (whole, loaded):
        assert model.lm_head.weight is model.model.embed_tokens.weight
    ids = torch.tensor([[5, 6, 7]])
    assert torch.equal(loaded(ids).logits, whole(ids).logits)


def test_no_code_of_the_folder_runs(
    upstream: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    marker = tmp_path / "ran"
    monkeypatch.setenv("HOSTILE_MARKER", str(marker))
    XverseForCausalLM.from_pretrained(upstream)
    load_tokenizer(upstream)
    assert not marker.exists()
    assert not (upstream / "CODE-HAS-RUN").exists()


def test_a_folder_that_is_not_there_is_not_available(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError):
        XverseForCausalLM.from_pretrained(tmp_path / "nothing")


def test_the_generation_config_is_the_folders(upstream: Path, model: XverseForCausalLM) -> None:
    written = json.loads((upstream / "generation_config.json").read_text(encoding="utf-8"))
    assert model.generation_config.temperature == written["temperature"]
    assert model.generation_config.eos_token_id == 3
