"""The precisions of ``--quant``."""

from enum import Enum


class Bits(Enum):
    """4 or 8 bits for each weight."""

    FOUR = "4"
    EIGHT = "8"
