"""Which signs no text has that the records hold, wherever it comes from."""

UNSHOWN = r"\x00-\x08\x0b\x0c\x0e-\x1f\x7f"
"""Of a regular expression: signs that PostgreSQL does not hold (NUL) or that terminals obey; not those that end a line."""
UNSEEN = "\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff"
"""Of a regular expression: signs that nobody sees and that make another text: without width, of direction, of byte order."""
