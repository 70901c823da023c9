"""From logits to the next token.

The filters and their order are those of transformers' ``generate``: repetition penalty,
temperature, top-k, top-p.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from xverse_chat.config import GenerationSettings
from xverse_chat.errors import NotNumbersError
from xverse_chat.wording import say


class Sampler:
    """Chooses the tokens of one reply. With a seed it chooses the same ones again."""

    def __init__(
        self, settings: GenerationSettings, prompt_ids: Sequence[int], device: torch.device
    ) -> None:
        self._settings = settings
        self._random: torch.Generator | None = None  # None is torch's own, global one
        if settings.seed is not None:
            self._random = torch.Generator(device).manual_seed(settings.seed)
        self._seen = torch.tensor(prompt_ids, dtype=torch.long, device=device)

    def choose(self, logits: Tensor) -> int:
        """Return the next token's id for ``logits`` (V,) of any float type.

        Raises EngineError when a logit is not finite: what follows would be noise.
        """
        scores = logits.float()
        finite = torch.isfinite(scores.sum())
        scores = penalise(scores, self._seen, self._settings.repetition_penalty)
        if self._settings.do_sample:
            scores = keep_top_p(
                keep_top_k(scores / self._settings.temperature, self._settings.top_k),
                self._settings.top_p,
            )
            # Drawing from NaN stops a GPU for good, so they are told of before.
            chosen = torch.multinomial(
                torch.softmax(scores.nan_to_num(), dim=-1), 1, generator=self._random
            )
        else:
            chosen = scores.argmax(dim=-1, keepdim=True)
        token, is_finite = torch.cat([chosen, finite.long().view(1)]).tolist()
        if not is_finite:
            raise not_numbers_error()
        if self._settings.repetition_penalty != 1.0:
            self._seen = torch.cat([self._seen, chosen])
        return int(token)


def penalise(scores: Tensor, seen: Tensor, penalty: float) -> Tensor:
    """Make the tokens in ``seen`` (N,) less likely (CTRL, arXiv 1909.05858, section 4.1).

    Positive scores (V,) are divided by ``penalty``, negative ones multiplied.
    """
    if penalty == 1.0:
        return scores
    old = scores[seen]
    return scores.scatter(0, seen, torch.where(old < 0, old * penalty, old / penalty))


def keep_top_k(scores: Tensor, count: int) -> Tensor:
    """Set all but the ``count`` highest scores (V,) to -inf; 0 keeps all. Ties are kept."""
    if not 0 < count < scores.shape[-1]:
        return scores
    least = torch.topk(scores, count).values[-1]
    return scores.masked_fill(scores < least, -torch.inf)


def keep_top_p(scores: Tensor, mass: float) -> Tensor:
    """Keep the fewest highest scores (V,) whose probabilities reach ``mass``; others are -inf.

    Nucleus sampling (arXiv 1904.09751). The highest score always stays.
    """
    if mass >= 1.0:
        return scores
    ordered, places = torch.sort(scores, descending=True)
    probabilities = torch.softmax(ordered, dim=-1)
    before = probabilities.cumsum(dim=-1) - probabilities
    return scores.scatter(0, places, ordered.masked_fill(before >= mass, -torch.inf))


def not_numbers_error() -> NotNumbersError:
    """Return what to say when logits are NaN or infinite: what followed would be noise."""
    return NotNumbersError(
        say("The model computed values that are not numbers."),
        hint=say(
            "In float16 some weights overflow: try --dtype bfloat16 or float32. If that "
            "does not help, xverse-download --verify looks for damage."
        ),
    )
