"""The application: routes, answers, the web view's files, and what stands around them."""

from importlib.metadata import version
from pathlib import Path

from fastapi import FastAPI
from fastapi.responses import FileResponse, HTMLResponse
from starlette.middleware.gzip import GZipMiddleware
from starlette.staticfiles import StaticFiles

from api import answers, health, metrics, routes
from api.asking import declare
from api.context import Reader
from api.headers import Carry
from api.limits import Limit
from api.settings import Settings, load_settings
from api.token_uses import TokenUses
from api.traffic import Faults, Traffic, templates_of
from farmland.evidence.store import EvidenceStore
from farmland.land.tiles import FILE_NAME
from farmland.records.database import Database
from geodata.problems import Kind, Problem

STATIC = Path(__file__).parent / "static"
NO_TILES = Kind(
    "no_tiles",
    "还没有切图。导入单位或地块后运行 tianzhang tiles。",
    "The tiles have not been cut yet. Run tianzhang tiles after units or plots were imported.",
    "not_found",
)
_TEXT = """The progress-report API of Tianzhang (田长). Areas are ellipsoidal on CGCS2000: fields ending in _m2 are square
metres, in _mu mu (2000/3 m²), both with two decimals; coordinates are degrees of EPSG:4490, longitude first. Every figure
is as of a moment (as_of). Problems are application/problem+json with a stable code. Each route says in x-right what it asks
of whoever calls it: a right, in the unit that it speaks of; persons sign in, programs send a bearer token."""


def create_app(settings: Settings) -> FastAPI:
    """The application over the database of these settings."""
    database = Database(settings.url)
    token_uses = TokenUses(database)
    app = FastAPI(
        title="Tianzhang 田长",
        version=version("tianzhang"),
        description=_TEXT,
        docs_url=None,
        redoc_url=None,
        lifespan=token_uses.while_serving,
    )
    app.state.settings = settings
    app.state.database = database
    app.state.evidence = EvidenceStore(settings.evidence_address)
    app.state.outlines = {}
    app.state.token_uses = token_uses
    app.state.metrics = metrics.Metrics(database)
    answers.install(app)
    app.include_router(routes.router)
    app.include_router(declare(health.router))
    app.include_router(declare(metrics.router))

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

    # From the inside out: each is around those before it.
    app.add_middleware(GZipMiddleware, minimum_size=2000, compresslevel=2)
    app.add_middleware(Faults)
    app.add_middleware(Limit)
    app.add_middleware(Carry)
    app.add_middleware(Traffic, metrics=app.state.metrics, templates=templates_of(app))
    return app


def from_environment() -> FastAPI:
    """The application with the settings of the environment: what each of several workers makes."""
    return create_app(load_settings())
