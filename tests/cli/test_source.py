from pathlib import Path

import pytest

from xverse_chat.cli.source import ModelSource, find_source
from xverse_chat.config import DEFAULT_MODEL_ID, model_folder_path
from xverse_chat.errors import UnavailableError


def make(cache: Path, *precisions: int | None) -> None:
    for bits in precisions:
        model_folder_path(cache, DEFAULT_MODEL_ID, bits).mkdir(parents=True)


def find(cache: Path, quant: int | None = None) -> ModelSource:
    return find_source(None, demo=False, cache_dir=cache, quant=quant)


@pytest.mark.parametrize(
    ("there", "quant", "chosen"),
    [
        ((None,), None, None),
        ((None,), 4, None),
        ((None, 4), 4, 4),
        ((None, 4), None, None),
        ((4, 8), 8, 8),
        ((None, 8), 4, None),
    ],
)
def test_the_folder_of_the_precision_goes_before_that_of_16_bits(
    there: tuple[int | None, ...], quant: int | None, chosen: int | None, tmp_path: Path
) -> None:
    make(tmp_path, *there)
    source = find(tmp_path, quant)
    assert source.folder == model_folder_path(tmp_path, DEFAULT_MODEL_ID, chosen)
    assert (source.is_there, source.other_bits) == (True, ())
    source.check_is_there()


@pytest.mark.parametrize(
    ("there", "quant", "told", "hint"),
    [
        ((4,), None, "in 4 bits, and not in 16", "Use --quant 4, or run `xverse-download --cache"),
        ((4, 8), None, "in 4 and 8 bits, and not in 16", "Use --quant 4, or"),
        ((4,), 8, "in 4 bits, and not in 8", "or run `xverse-download --quant 8 --cache-dir"),
        ((), 4, "is not on this machine", "Run `xverse-download --quant 4 --cache-dir"),
        ((), None, "is not on this machine", "Run `xverse-download --cache-dir"),
    ],
)
def test_what_is_missing_is_told_with_what_is_there(
    there: tuple[int, ...], quant: int | None, told: str, hint: str, tmp_path: Path
) -> None:
    make(tmp_path, *there)
    with pytest.raises(UnavailableError, match=told) as caught:
        find(tmp_path, quant).check_is_there()
    assert hint in caught.value.hint


def test_a_folder_is_itself_whatever_lies_beside_it(tmp_path: Path) -> None:
    make(tmp_path, None, 4)
    folder = model_folder_path(tmp_path, DEFAULT_MODEL_ID)
    source = find_source(str(folder), demo=False, cache_dir=tmp_path, quant=4)
    assert (source.folder, source.is_downloadable) == (folder, False)
