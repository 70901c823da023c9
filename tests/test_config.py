from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xverse_chat import config
from xverse_chat.config import (
    GenerationSettings,
    check_model_id,
    find_cache_dir,
    model_folder_path,
)
from xverse_chat.errors import UsageError


@pytest.mark.parametrize(
    "wrong",
    [
        {"temperature": 0.0},
        {"temperature": -1.0},
        {"temperature": float("nan")},
        {"temperature": float("inf")},
        {"top_p": 0.0},
        {"top_p": 2.0},
        {"top_p": float("nan")},
        {"top_k": -1},
        {"repetition_penalty": 0.0},
        {"repetition_penalty": float("nan")},
        {"max_new_tokens": 0},
        {"seed": -1},
        {"seed": 2**63},
    ],
)
def test_impossible_settings_are_refused_at_once(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=str(next(iter(wrong.values())))):
        GenerationSettings().overridden(wrong)


def test_options_that_were_not_given_change_nothing() -> None:
    settings = GenerationSettings(temperature=0.5, top_k=30)
    assert settings.overridden({"temperature": None, "top_k": 0}) == GenerationSettings(
        temperature=0.5, top_k=0
    )


@pytest.mark.parametrize(
    "model_id", ["xverse", "a/b/c", "../x", "a/..", "/a", "a/", "a b/c", "a/b\n"]
)
def test_what_is_no_model_id_is_refused(model_id: str) -> None:
    with pytest.raises(UsageError):
        check_model_id(model_id)


@given(st.text())
def test_no_model_id_leads_out_of_the_cache_folder(name: str) -> None:
    cache = Path("/cache")
    try:
        folder = model_folder_path(cache, f"owner/{name}")
    except UsageError:
        return
    assert folder.parent == cache / "xverse-chat"


def test_the_chosen_folder_wins_then_the_rented_disk(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    rented = tmp_path / "autodl-tmp"
    monkeypatch.setattr(config, "RENTED_DATA_DISK", rented)
    assert find_cache_dir().name == "xverse-chat"
    rented.mkdir()
    assert find_cache_dir() == rented
    assert find_cache_dir(tmp_path / "chosen") == tmp_path / "chosen"
