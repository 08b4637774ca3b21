"""Each request has a number, is counted and has its line in the log; what goes wrong is answered and written down."""

import re
from collections.abc import Mapping
from http import HTTPMethod
from time import perf_counter
from typing import Any
from uuid import uuid4

from fastapi import FastAPI, Request
from fastapi.routing import iter_route_contexts
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.answers import fault
from api.logs import log
from api.metrics import Metrics

_GIVEN = re.compile(r"[A-Za-z0-9-]{8,64}")
_METHODS = {method.value for method in HTTPMethod}
_NOT_ANSWERED = 499  # as nginx calls it: the asker was gone first


class Traffic:
    """Numbers, counts and logs requests, by the template of their route: never by the address, which has codes in it."""

    def __init__(self, app: ASGIApp, metrics: Metrics, templates: Mapping[Any, str]) -> None:
        self._app = app
        self._metrics = metrics
        self._templates = templates

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get("x-request-id", "")
        number = given if _GIVEN.fullmatch(given) else uuid4().hex
        scope.setdefault("state", {})["request_id"] = number
        begun = perf_counter()
        status, received, sent = _NOT_ANSWERED, 0, 0

        async def count_in() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            return message

        async def count_out(message: Message) -> None:
            nonlocal status, sent
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)["X-Request-ID"] = number
            sent += len(message.get("body", b""))
            await send(message)

        try:
            with self._metrics.in_progress.track_inprogress():
                await self._app(scope, count_in, count_out)
        finally:
            took = perf_counter() - begun
            method = scope["method"] if scope["method"] in _METHODS else "OTHER"
            route = self._templates.get(scope.get("endpoint"), "/{path}")
            self._metrics.answered(method, route, status, took, received)
            facts = {
                "request_id": number,
                "method": method,
                "route": route,
                "status": status,
                "duration_ms": round(took * 1000, 1),
                "bytes": sent,
            }
            log.info("%s %s %d %.1f ms", method, route, status, took * 1000, extra=facts)


class Faults:
    """A fault is written to the log and answered with the request's number, by which it is found there."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = False

        async def watch(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, watch)
        except Exception as error:
            request = Request(scope)
            log.error("fault", exc_info=error, extra={"request_id": request.state.request_id})
            if not begun:  # otherwise the server ends the connection, for the answer was not whole
                await fault(request)(scope, receive, send)


def templates_of(app: FastAPI) -> dict[Any, str]:
    """The template of the address of each endpoint: "/api/v1/claims/{number}"."""
    found = iter_route_contexts(app.routes)
    return {context.endpoint: context.path_format for context in found if context.endpoint and context.path_format}
