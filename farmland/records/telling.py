"""Telling whoever waits how far a long piece of work is."""

from collections.abc import Callable

Tell = Callable[[float, str, str], None]
"""Told the share that is done (0 to 1), and what comes next in Chinese and in English."""


def silent(share: float, zh: str, en: str) -> None:
    """A Tell for when nobody waits."""
