import json
from pathlib import Path

import pytest
import torch

from training.batches import DialogueBatches, load_batches
from training.encoding import IGNORED
from training.evaluate import Talker, load_tokenizer, run_trials
from training.fake_quantization import (
    CLIP_SEARCH,
    quantized_for_a_step,
    round_to_4_bits,
    round_to_8_bits,
)
from training.tokenizer import PAD_ID, train_tokenizer
from training.train import Plan, build_model, train
from training.trials import Trial
from training.upstream_folder import load_upstream_folder, save_upstream_folder
from xverse_chat.checkpoint.config_file import llama_config
from xverse_chat.checkpoint.shards import read_bin_shard, read_index


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[float]]:
    folder = tmp_path_factory.mktemp("trained") / "upstream"
    torch.manual_seed(0)
    processor = train_tokenizer()
    model = build_model(layers=2, hidden=64, intermediate=128)
    dataset = DialogueBatches(processor.encode, batch_tokens=1024, max_length=400, seed=0)
    plan = Plan(minutes=5, steps=20, device="cpu", learning_rate=5e-3)
    losses = train(model, load_batches(dataset, 0), plan)
    save_upstream_folder(model, processor, folder)
    return folder, losses


def test_twenty_steps_lower_the_loss(trained: tuple[Path, list[float]]) -> None:
    _, losses = trained
    assert len(losses) == 20
    assert sum(losses[-5:]) / 5 < sum(losses[:3]) / 3 - 1


def test_the_folder_has_upstreams_shape(trained: tuple[Path, list[float]]) -> None:
    folder, _ = trained
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    assert config["model_type"] == "xverse"
    assert not {"rope_theta", "rope_parameters", "num_key_value_heads"} & config.keys()
    assert llama_config(config)["hidden_size"] == 64
    index = read_index(folder)
    assert len(index.files) == 2
    found = {name: file for file in index.files for name in read_bin_shard(folder / file)}
    assert found == index.weight_map


def test_the_folder_is_loaded_and_answers(trained: tuple[Path, list[float]]) -> None:
    folder, _ = trained
    model = load_upstream_folder(folder)
    talker = Talker(model, load_tokenizer(folder), device="cpu", rows=4)
    trials = [Trial("talk", ("hi", "hello"), "?"), Trial("talk", ("你好",), "?")]
    figures, failures = run_trials(talker, trials)
    assert figures.keys() == {"talk", "ended"}
    assert len(failures) == 2


def test_batches_hold_whole_dialogues_of_like_length() -> None:
    dataset = DialogueBatches(train_tokenizer().encode, batch_tokens=4096, max_length=300, seed=1)
    batches = load_batches(dataset, 0)
    for _ in range(10):
        ids, labels = next(batches)
        assert ids.shape == labels.shape
        assert ids.numel() <= 4096
        assert ids.shape[1] <= 300
        assert (labels[ids == PAD_ID] == IGNORED).all()


def test_rounded_weights_stay_within_half_a_step() -> None:
    torch.manual_seed(0)
    weight = torch.randn(8, 128)
    step = weight.abs().amax(dim=1, keepdim=True) / 127
    assert ((round_to_8_bits(weight) - weight).abs() <= step / 2 + 1e-6).all()
    plain = (round_to_4_bits(weight) - weight).square().sum()
    searched = (round_to_4_bits(weight, CLIP_SEARCH) - weight).square().sum()
    assert searched < plain
    group = round_to_4_bits(weight, CLIP_SEARCH).reshape(8, 2, 64)
    assert all(len(row.unique()) <= 16 for rows in group for row in rows)


def test_a_quantized_step_leaves_the_exact_weights() -> None:
    model = build_model(layers=1, hidden=64, intermediate=64)
    before = [weight.clone() for weight in model.parameters()]
    with quantized_for_a_step(model):
        assert not torch.equal(model.lm_head.weight, before[-1])
    assert all(torch.equal(old, new) for old, new in zip(before, model.parameters(), strict=True))
