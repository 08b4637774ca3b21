"""Which signs no text has that the records hold, wherever it comes from."""

UNSHOWN = r"\x00-\x08\x0b\x0c\x0e-\x1f\x7f"
"""Of a regular expression: signs that PostgreSQL does not hold (NUL) or that terminals obey; not those that end a line."""
