"""Numbers as people write them in tables."""

import math
import re
import unicodedata

_NUMBER = re.compile(r"[+-]?(?:\d{1,3}(?:,\d{3})+|\d+)?(?:\.\d*)?(?:[Ee][+-]?\d{1,3})?")


def quantity(text: str) -> float:
    """A number that is written with a point for decimals, and with commas for thousands or without; wide signs count as such.

    A comma anywhere else may be a decimal comma, or a slip: what is meant nobody knows. Raises ValueError.

    >>> quantity("1,234.5"), quantity("１２．５"), quantity("-3e2")
    (1234.5, 12.5, -300.0)
    >>> quantity("12,5")
    Traceback (most recent call last):
    ...
    ValueError: 12,5
    """
    plain = unicodedata.normalize("NFKC", text).strip().replace("\u2212", "-")  # the minus of mathematics
    if not plain.isascii() or not any(sign.isdigit() for sign in plain) or not _NUMBER.fullmatch(plain):
        raise ValueError(text)
    value = float(plain.replace(",", ""))
    if not math.isfinite(value):
        raise ValueError(text)
    return value
