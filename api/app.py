"""The application: routes, answers, the web view's files, and what every answer carries."""

import hashlib
from collections.abc import Awaitable, Callable
from importlib.metadata import version
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.responses import FileResponse, HTMLResponse, Response
from starlette.middleware.gzip import GZipMiddleware
from starlette.staticfiles import StaticFiles

from api import answers, figures, reading, writing
from api.settings import Settings
from farmland.database import Database
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
is as of a moment (as_of). Problems are application/problem+json with a stable code. Writing needs a bearer token."""


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
    app.state.outlines = {}
    answers.install(app)
    for module in (figures, reading, writing):
        app.include_router(module.router)
    app.add_middleware(GZipMiddleware, minimum_size=2000, compresslevel=5)

    @app.middleware("http")
    async def _carry(request: Request, call: Callable[[Request], Awaitable[Response]]) -> Response:
        response = await call(request)
        response.headers.update(_HEADERS)
        if not request.url.path.startswith("/api/") or request.method != "GET" or response.status_code != 200:
            return response
        body = b"".join([chunk async for chunk in response.body_iterator])  # type: ignore[attr-defined]
        tag = f'W/"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'
        headers = dict(response.headers) | {"etag": tag, "cache-control": "no-cache"}
        if request.headers.get("if-none-match") == tag:
            headers.pop("content-length", None)
            return Response(status_code=304, headers=headers)
        return Response(body, headers=headers)

    @app.get("/tiles/city.pmtiles", include_in_schema=False)
    def _tiles() -> FileResponse:
        path = settings.data_dir / "tiles" / "city.pmtiles"
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
