"""How much may be sent to us: what is larger is refused before it is read whole, and its connection ended."""

import asyncio
from contextlib import suppress

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.answers import BODY_MB, HEAD_KB, http_problem

_LINGER_S = 2


class Limit:
    """Refuses addresses and headers that are too large, and a body as soon as it is announced or known to be too large.

    Whoever still sends is listened to for a few seconds after a refusal: ended at once, the connection would often be
    reset before the answer was read.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if _head(scope) > HEAD_KB * 1000:
            await http_problem(Request(scope), 431)(scope, receive, send)
            return
        announced = int(Headers(scope=scope).get("content-length", 0))
        taken = 0
        whole = refused = False

        async def take() -> Message:
            nonlocal taken, whole
            message = await receive()
            taken += len(message.get("body", b""))
            whole = not message.get("more_body", False)
            return message

        async def take_limited() -> Message:
            if _takes_file(scope):
                return await take()
            limit = BODY_MB * 1_000_000
            message = await take() if announced <= limit else None
            if message is None or taken > limit:
                raise HTTPException(413)
            return message

        async def answer(message: Message) -> None:
            nonlocal refused
            if message["type"] == "http.response.start":
                refused = message["status"] == 413 and not whole
                if refused:
                    MutableHeaders(scope=message)["Connection"] = "close"
            elif refused and not message.get("more_body", False):
                await send({**message, "more_body": True})
                with suppress(TimeoutError):
                    async with asyncio.timeout(_LINGER_S):
                        while not whole:
                            await take()
                message = {"type": "http.response.body", "body": b""}
            await send(message)

        await self._app(scope, take_limited, answer)


def _head(scope: Scope) -> int:
    """The size of the address and the headers, bytes."""
    headers = sum(len(name) + len(value) + 4 for name, value in scope["headers"])  # with its colon and the line's end
    return headers + len(scope["raw_path"]) + len(scope["query_string"])


def _takes_file(scope: Scope) -> bool:
    """Whether the route that was found documents its body as a file; before one is found, nothing is read."""
    documented = getattr(scope.get("route"), "openapi_extra", None) or {}
    return "application/octet-stream" in documented.get("requestBody", {}).get("content", {})
