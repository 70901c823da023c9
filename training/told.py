"""What the user of a dialogue has told so far, and which questions that answers."""

from training.facts import FACTS, PREFERENCES

KEYS = tuple(FACTS["zh"])
# What can be told as simply liked: "I like tea".
LIKED = tuple(key for key in PREFERENCES if key != "number")
# Kinds that one thing may belong to both of.
_NEAR = ({"food", "fruit"}, {"sport", "hobby"})


class Told(dict[str, str]):
    """Values by fact, in the order told. ``liked_kind`` is what the thing liked is, if known."""

    liked_kind: str | None = None

    def likes(self) -> list[str]:
        """Return what answers the question what the user likes."""
        return [key for key in self if key == "like" or key in PREFERENCES]

    def liked_as(self) -> list[str]:
        """Return the preference that was told only by saying that something is liked."""
        kind = self.liked_kind
        return [kind] if kind and "like" in self and kind not in self else []

    def known(self) -> list[str]:
        """Return facts that have an answer."""
        return [*self, *self.likes()[:1], *self.liked_as()]

    def unknown(self) -> list[str]:
        """Return facts that were not told and that nothing told could be taken for."""
        return [
            key
            for key in KEYS
            if key not in self
            and not (key == "like" and self.likes())
            and not (key in PREFERENCES and "like" in self and self._could_be_liked(key))
        ]

    def _could_be_liked(self, key: str) -> bool:
        kind = self.liked_kind
        return kind is None or key == kind or {key, kind} in _NEAR
