"""What is taken from whoever asks, kind by kind: only what both databases can hold, and what JSON can say."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, Strict, WithJsonSchema

from farmland.records.clock import parse_moment
from farmland.records.texts import UNSHOWN

MOST_ID = 2**31 - 1
"""The largest number that a row can have on PostgreSQL."""
MOST_MU = 1e9
"""More than the farmland of any province: an area beyond it is a slip, and sums of some would be no numbers."""

Text = Annotated[str, Field(pattern=rf"^[^{UNSHOWN}]*$")]
"""Any text without signs that cannot be shown."""
Code = Annotated[Text, Field(examples=["430582104203"])]
"""A unit's official code: 12 digits, 14 for a group; 6, 9 and 19 are taken too."""
Number = Annotated[Text, Field(examples=["2022-00001"])]
"""A claim's number."""
Account = Annotated[Text, Field(examples=["li.ming"])]
"""An account's name."""
Day = Annotated[Text, Field(examples=["2022-04-26"])]
MomentText = Annotated[Text, Field(examples=["2022-04-26T18:00:00+08:00"])]
Id = Annotated[int, Field(ge=1, le=MOST_ID)]
Flag = Annotated[bool, Strict()]
"""true or false: not 0, "no" or "off"."""
Real = Annotated[float, Strict()]
"""A number: not a text that looks like one."""


def _moment(value: Any) -> datetime:
    if not isinstance(value, str):
        raise ValueError("a moment is a text in ISO form")
    return parse_moment(value)


Moment = Annotated[
    datetime,
    BeforeValidator(_moment),
    WithJsonSchema({"type": "string", "format": "date-time", "examples": ["2022-04-26T18:00:00+08:00"]}),
]
"""A moment in ISO form; one without a zone is Asia/Shanghai's. Raises as :func:`farmland.records.clock.parse_moment`."""

_SQUARE = [[111.71, 27.25], [111.712, 27.25], [111.712, 27.252], [111.71, 27.252], [111.71, 27.25]]
Outline = Annotated[
    dict[str, Any],
    WithJsonSchema(
        {
            "type": "object",
            "description": "GeoJSON Polygon or MultiPolygon, degrees, longitude first",
            "required": ["type", "coordinates"],
            "properties": {
                "type": {"enum": ["Polygon", "MultiPolygon"]},
                "coordinates": {"type": "array", "items": {"type": "array"}},
            },
            "examples": [{"type": "Polygon", "coordinates": [_SQUARE]}],
        }
    ),
]
"""A polygon as it is sent; what is wrong with it is said where it is read."""


class Taken(BaseModel):
    """A body: only the fields that are named here, and finite numbers, which are all that JSON has."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)
