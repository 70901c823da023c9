"""What the command line says, its options' help included, in Chinese. Standard library only."""

from collections.abc import Mapping

SENTENCES: Mapping[str, str] = {}
