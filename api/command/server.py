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
    gc.enable()  # a server does not end
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
            _alone(settings, listener)
        else:
            _together(settings, listener, workers)


def _alone(settings: Settings, listener: socket.socket) -> None:
    from uvicorn import Server

    from api.app import create_app

    Server(_config(settings, create_app(settings))).run(sockets=[listener])


def _together(settings: Settings, listener: socket.socket, workers: int) -> None:
    from uvicorn.supervisors import Multiprocess

    from farmland.evidence.store import EvidenceStore

    EvidenceStore(settings.evidence_address)  # what is wrong with it is told here once, not by each worker
    with TemporaryDirectory(prefix="tianzhang-") as counted:
        # By this prometheus_client knows where the workers count together.
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = counted
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
        timeout_worker_healthcheck=60,  # a worker that computes for long is not one that hangs
    )
