"""Two routes that are alike but for the right that one of them asks for."""

from fastapi import FastAPI
from fastapi.responses import Response

from api.answers import json
from api.app import create_app
from api.asking import OPEN
from api.context import Reader
from api.settings import load_settings
from farmland.demonstration.records import QINGJIANG


def application() -> FastAPI:
    """The two, over the records of this environment: /open asks nothing, /asked whether a village may be looked at."""
    app = FastAPI()
    app.state = create_app(load_settings()).state
    answer = {"unit_code": QINGJIANG}

    @app.get("/open", dependencies=[OPEN])
    def _open() -> Response:
        return json(answer)

    @app.get("/asked")
    def _asked(reader: Reader) -> Response:
        reader.require(QINGJIANG)
        return json(answer)

    return app
