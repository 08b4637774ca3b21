"""The application: routes, answers, the web view's files, and what every answer carries."""

from importlib.metadata import version
from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import FileResponse, HTMLResponse
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.gzip import GZipMiddleware
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api import answers, routes
from api.context import Reader
from api.settings import Settings
from farmland.database import Database
from farmland.evidence_store import EvidenceStore
from farmland.tiles import FILE_NAME
from geodata.problems import Kind, Problem

STATIC = Path(__file__).parent / "static"
NO_TILES = Kind(
    "no_tiles",
    "还没有切图。导入单位或地块后运行 tianzhang tiles。",
    "The tiles have not been cut yet. Run tianzhang tiles after units or plots were imported.",
    "not_found",
)
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
    "worker-src 'self' blob:; connect-src 'self'; frame-ancestors 'none'",
}
_TEXT = """The progress-report API of Tianzhang (田长). Areas are ellipsoidal on CGCS2000: fields ending in _m2 are square
metres, in _mu mu (2000/3 m²), both with two decimals; coordinates are degrees of EPSG:4490, longitude first. Every figure
is as of a moment (as_of). Problems are application/problem+json with a stable code. Writing needs a bearer token, and so
does seeing evidence files."""


class Carry:
    """What every answer carries; and 304 instead of an answer that the asker holds already, by its ETag."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        held = Headers(scope=scope).get("if-none-match") if scope["method"] == "GET" else None
        unchanged = False

        async def carry(message: Message) -> None:
            nonlocal unchanged
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(_HEADERS)
                unchanged = held is not None and message["status"] == 200 and headers.get("etag") == held
                if unchanged:
                    message["status"] = 304
                    del headers["content-length"]
            elif unchanged:
                message["body"] = b""
            await send(message)

        await self._app(scope, receive, carry)


def create_app(settings: Settings) -> FastAPI:
    """The application over the database of these settings."""
    app = FastAPI(
        title="Tianzhang 田长",
        version=version("tianzhang"),
        description=_TEXT,
        docs_url=None,
        redoc_url=None,
    )
    app.state.settings = settings
    app.state.database = Database(settings.url)
    app.state.evidence = EvidenceStore(settings.evidence_address)
    app.state.outlines = {}
    app.state.token_uses = {}
    answers.install(app)
    app.include_router(routes.router)
    app.add_middleware(GZipMiddleware, minimum_size=2000, compresslevel=2)
    app.add_middleware(Carry)

    @app.get(f"/tiles/{FILE_NAME}", include_in_schema=False)
    def _tiles(reader: Reader) -> FileResponse:
        reader.require(None)  # all plots of the city are in them
        path = settings.tiles / FILE_NAME
        if not path.exists():
            raise Problem(NO_TILES)
        return FileResponse(
            path,
            media_type="application/vnd.pmtiles",
            headers={"Content-Encoding": "identity"},
        )

    if (STATIC / "index.html").exists():
        app.mount("/", StaticFiles(directory=STATIC, html=True))
    else:

        @app.get("/", include_in_schema=False)
        def _not_built() -> HTMLResponse:
            return HTMLResponse(
                "<!doctype html><meta charset=utf-8><title>田长</title><p>网页尚未生成，请运行 <code>make setup</code>。"
                "<p>The web view has not been built: run <code>make setup</code>."
            )

    return app
