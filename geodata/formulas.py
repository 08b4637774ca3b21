"""Text that a spreadsheet would compute: how tables hold it so that it stays text, and how it is read again.

Excel, LibreOffice and WPS take a cell of a CSV file for a formula by its first letter, and a cell of a workbook once it was
edited or saved as CSV. Such text gets an apostrophe before it, and an apostrophe before such text is taken off again: text
that begins with apostrophes gets one more, so that what was written is always what is read.
"""

import re

# Chinese and Japanese Excel take the wide signs too; white space before a sign does not keep a spreadsheet from it.
_COMPUTED = re.compile(r"'*(\s*[=+\-@＝＋－＠]|[\t\r\n])")


def harmless(value: object) -> object:
    """A value as tables hold it: text that a spreadsheet would take for a formula with an apostrophe before it.

    >>> harmless("=1+1"), harmless(-2.5), harmless("'=1+1"), harmless("'60s")
    ("'=1+1", -2.5, "''=1+1", "'60s")
    """
    return f"'{value}" if isinstance(value, str) and _COMPUTED.match(value) else value


def as_meant(text: str) -> str:
    """Text of a table as it was before :func:`harmless`.

    >>> as_meant("'=1+1"), as_meant("''=1+1"), as_meant("'60s")
    ('=1+1', "'=1+1", "'60s")
    """
    return text[1:] if text.startswith("'") and _COMPUTED.match(text, 1) else text
