"""Parameters of addresses: one that a route does not know, or that is given twice, is refused, not passed over.

A figure that is asked for with a misspelt condition would be another figure than the one that was meant.
"""

from typing import Annotated

from fastapi import Depends, Query, Request
from fastapi.routing import APIRoute

from api.asking import parts_of
from api.taken import Text
from geodata.problems import Kind, Problem

UNKNOWN_PARAMETER = Kind(
    "unknown_parameter",
    "网址中的参数“{name}”不是此地址的参数。可用的参数：{known}。请改正后再试。",
    "The address has a parameter “{name}”, which is none of this address. Those it takes: {known}. Correct it and try again.",
)
REPEATED_PARAMETER = Kind(
    "repeated_parameter",
    "网址中的参数“{name}”出现了 {times} 次。请只保留一个。",
    "The address has the parameter “{name}” {times} times. Keep one of them.",
)


async def _only_known(
    request: Request,
    lang: Annotated[
        Text | None, Query(description="The language of refusals: zh or en; without it, that of Accept-Language")
    ] = None,
) -> None:
    given = [name for name, _ in request.query_params.multi_items()]
    known = _names(request.scope["route"]) if given else ()
    for name in dict.fromkeys(given):
        if name not in known:
            raise Problem(UNKNOWN_PARAMETER, name=name[:60], known=", ".join(known))
        if given.count(name) > 1:
            raise Problem(REPEATED_PARAMETER, name=name, times=given.count(name))


ONLY_KNOWN = Depends(_only_known)
"""Of a router's `dependencies`: its routes take the parameters that they declare, each once. Raises UNKNOWN_PARAMETER,
REPEATED_PARAMETER."""


def _names(route: APIRoute) -> tuple[str, ...]:
    own = [field.alias for part in parts_of(route.dependant) for field in part.query_params]
    return (*dict.fromkeys(own), "lang")
