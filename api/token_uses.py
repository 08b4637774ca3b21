"""When tokens were last used: noted in memory at each request, written down every minute and when the server stops.

A write for each request would make reading wait for those who write; at most a minute is lost if the process is killed.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import datetime

from fastapi import FastAPI
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool

from api.logs import log
from farmland.accounts.tokens import note_uses
from farmland.records.clock import present
from farmland.records.database import Database
from geodata.problems import Problem

EVERY_S = 60


class TokenUses:
    """The uses that are not written down yet, by the id of the token."""

    def __init__(self, records: Database) -> None:
        self._records = records
        self._held: dict[int, datetime] = {}

    def note(self, token_id: int) -> None:
        """A token was used just now."""
        self._held[token_id] = present()

    def write(self) -> None:
        """Write them down; where the database cannot be reached, they stay for the next time."""
        held, self._held = self._held, {}
        if not held:
            return
        try:
            with self._records.writing() as session:
                note_uses(session, held)
        except (SQLAlchemyError, Problem):
            log.warning("token_uses_not_written")
            self._held = held | self._held

    @asynccontextmanager
    async def while_serving(self, _: FastAPI) -> AsyncIterator[None]:
        """The lifespan of an application that notes them."""
        task = asyncio.create_task(self._write_again_and_again())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            await run_in_threadpool(self.write)

    async def _write_again_and_again(self) -> None:
        while True:
            await asyncio.sleep(EVERY_S)
            await run_in_threadpool(self.write)
