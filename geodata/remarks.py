"""What a reader has to say of a file that it could read: of the whole, of a row, or of one value."""

from dataclasses import dataclass

from geodata.problems import Problem


@dataclass(frozen=True)
class Remark:
    """Something that whoever gave a file has to be told.

    `row` is the row's number as in the frame's index, 0 where the file as a whole is meant; `column` is the frame's column,
    "" where the row as a whole is. `bad` says that the row cannot be taken, or, with a column, that its value cannot be used.
    """

    problem: Problem
    row: int = 0
    column: str = ""
    bad: bool = False
