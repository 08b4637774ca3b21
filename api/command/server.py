"""The server process: its socket, its workers, whom it believes."""

import gc
import os
import socket
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from api.command.base import say
from api.settings import Settings
from geodata.problems import Kind, Problem

if TYPE_CHECKING:
    from fastapi import FastAPI
    from uvicorn import Config

PORT_TAKEN = Kind(
    "port_taken",
    "{host}:{port} 不能用来提供网页：{reason}。请核对地址，或换一个端口：TIANZHANG_PORT={other}。",
    "The page cannot be served on {host}:{port}: {reason}. Check the address, or choose another port: TIANZHANG_PORT={other}.",
    "conflict",
)


def run(settings: Settings, host: str, port: int, workers: int = 1) -> None:
    """Serve the application until the process is told to stop. Raises PORT_TAKEN, BAD_STORE."""
    from uvicorn import Server
    from uvicorn.supervisors import Multiprocess

    from api.app import create_app

    gc.enable()  # a server does not end
    app = create_app(settings)  # for several workers too: what is wrong with the settings is told here
    # TCP by name: of a socket of protocol 0 asyncio does not know that its answers must not wait for one another.
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError as error:
            reason = os.strerror(error.errno) if error.errno and error.errno > 0 else str(error)
            raise Problem(PORT_TAKEN, host=host, port=port, reason=reason, other=port + 1) from None
        shown = listener.getsockname()[1]
        say(settings, f"网页：http://{host}:{shown}/ （Ctrl+C 停止）", f"Open http://{host}:{shown}/ (Ctrl+C stops)")
        if workers == 1:
            Server(_config(settings, app)).run(sockets=[listener])
            return
        from api.metrics import FOLDER

        with TemporaryDirectory(prefix="tianzhang-") as counted:
            os.environ[FOLDER] = counted
            Multiprocess(_config(settings, "api.app:from_environment", workers), sockets=[listener]).run()


def _config(settings: Settings, app: "FastAPI | str", workers: int = 1) -> "Config":
    from uvicorn import Config

    from api import logs

    return Config(
        app,
        factory=isinstance(app, str),
        workers=workers,
        http="h11",
        ws="none",
        log_config=logs.configuration(settings.log),
        access_log=False,
        server_header=False,
        forwarded_allow_ips=settings.proxy,
        timeout_graceful_shutdown=20,
    )
