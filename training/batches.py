"""Endless batches of freshly generated dialogues, one per row, rows of like length together."""

from collections.abc import Iterator
from random import Random

import torch
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from training.dialogues import write_dialogue
from training.encoding import IGNORED, Encode, training_ids
from training.tokenizer import PAD_ID

# Dialogues are sorted by length in groups of this size.
_GROUP = 2048


class DialogueBatches(IterableDataset[tuple[Tensor, Tensor]]):
    """Yields ids and labels, (rows, tokens) int32, of about ``batch_tokens`` tokens.

    Padded at the right, so causal attention needs no mask.
    """

    def __init__(self, encode: Encode, *, batch_tokens: int, max_length: int, seed: int) -> None:
        self._encode = encode
        self._batch_tokens = batch_tokens
        self._max_length = max_length
        self._seed = seed

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        worker = get_worker_info()
        rng = Random(f"{self._seed} {worker.id if worker else 0}")
        while True:
            rows = sorted((self._row(rng) for _ in range(_GROUP)), key=lambda row: len(row[0]))
            batches = list(self._split(rows))
            rng.shuffle(batches)
            yield from batches

    def _row(self, rng: Random) -> tuple[list[int], list[int]]:
        while True:
            messages = write_dialogue(rng).messages
            generated = rng.random() < 0.5
            ids, labels = training_ids(self._encode, messages, all_generated=generated)
            if len(ids) <= self._max_length:
                return ids, labels

    def _split(self, rows: list[tuple[list[int], list[int]]]) -> Iterator[tuple[Tensor, Tensor]]:
        start = 0
        for end in range(1, len(rows) + 1):
            is_last = end == len(rows)
            if is_last or len(rows[end][0]) * (end + 1 - start) > self._batch_tokens:
                yield _padded(rows[start:end])
                start = end


def load_batches(dataset: DialogueBatches, workers: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Generate in ``workers`` processes beside the training, a few batches ahead."""
    ahead = 4 if workers else None
    loader = DataLoader(dataset, batch_size=None, num_workers=workers, prefetch_factor=ahead)
    return iter(loader)


def _padded(rows: list[tuple[list[int], list[int]]]) -> tuple[Tensor, Tensor]:
    width = max(len(ids) for ids, _ in rows)
    ids = torch.full((len(rows), width), PAD_ID, dtype=torch.int32)
    labels = torch.full((len(rows), width), IGNORED, dtype=torch.int32)
    for index, (row_ids, row_labels) in enumerate(rows):
        ids[index, : len(row_ids)] = torch.tensor(row_ids)
        labels[index, : len(row_labels)] = torch.tensor(row_labels)
    return ids, labels
