"""What schemathesis is told beyond tests/schemathesis.toml: who asks, and what it must not take from itself."""

import os
from typing import Any

import requests
import schemathesis

PERSON = os.environ.get("TIANZHANG_FUZZ_PERSON")
"""The account of the demonstration as whom a browser signs in; none: nobody does."""
TOKEN_ID = os.environ.get("TIANZHANG_FUZZ_TOKEN_ID")
"""The id of the token with which a program asks."""


KEPT = ("keeper", "officer")
"""The accounts that are entered without a password, until they have an activation code or are shut."""


@schemathesis.hook
def filter_case(context: schemathesis.HookContext, case: schemathesis.Case) -> bool:
    """Nobody takes away what all that follows needs: the right to ask, accounts to enter, the public page."""
    parts = case.path_parameters or {}
    if case.method == "DELETE" and "token_id" in parts:
        return str(parts["token_id"]) != TOKEN_ID
    if case.path.endswith(("/code", "/shut")):
        return str(parts["name"]).strip().casefold() not in KEPT
    return not (case.path == "/api/v1/public" and case.body == {"on": False})


@schemathesis.check
def right_data_is_no_wrong_request(
    ctx: schemathesis.CheckContext, response: schemathesis.Response, case: schemathesis.Case
) -> None:
    """What keeps to the declaration may be refused by a rule, which says which; never as a request that is wrong as such."""
    meant = case.meta is not None and case.meta.generation.mode.is_positive
    if meant and response.status_code == 422:
        assert response.json()["code"] != "invalid_request", response.json()["detail"]


# What needs a password or an activation code, which nobody guesses; and what programs do not do.
OUT_OF_REACH = {
    "POST /api/v1/sign-in",
    "POST /api/v1/activation",
    "PUT /api/v1/me/password",
    "GET /api/v1/sign-in/oidc/return",
}
FOR_PERSONS = {"POST /api/v1/sign-in/demonstration", "POST /api/v1/sign-out", "POST /api/v1/sign-out/everywhere"}


if PERSON or TOKEN_ID:

    @schemathesis.check
    class every_operation_is_reached:
        """Whoever may do everything has been answered with more than refusals."""

        def __init__(self) -> None:
            self.asked: set[str] = set()
            self.reached: set[str] = set()

        def after_response(
            self, ctx: schemathesis.CheckContext, response: schemathesis.Response, case: schemathesis.Case
        ) -> None:
            self.asked.add(case.operation.label)
            if response.status_code < 400:
                self.reached.add(case.operation.label)

        def after_run(self, ctx: schemathesis.CheckContext) -> None:
            missed = self.asked - self.reached - OUT_OF_REACH - (set() if PERSON else FOR_PERSONS)
            assert not missed, f"only refused: {', '.join(sorted(missed))}"


if PERSON:

    @schemathesis.auth(refresh_interval=None)
    class Browser:
        """A browser that is signed in; one that was signed out signs in again."""

        secret: str | None = None

        def get(self, case: schemathesis.Case, ctx: schemathesis.AuthContext) -> str:
            if Browser.secret is None:
                address = case.operation.base_url.removesuffix("/")
                path, headers = "/api/v1/sign-in/demonstration", {"Sec-Fetch-Site": "same-origin", "Origin": address}
                answer = requests.post(address + path, json={"account": PERSON}, headers=headers, timeout=30)
                answer.raise_for_status()
                Browser.secret = answer.cookies["tianzhang"]
            return Browser.secret

        def set(self, case: schemathesis.Case, data: str, ctx: schemathesis.AuthContext) -> None:
            case.cookies = {**(case.cookies or {}), "tianzhang": data}

    @schemathesis.hook
    def after_call(context: schemathesis.HookContext, case: schemathesis.Case, response: Any) -> None:
        if response.status_code == 401:
            Browser.secret = None
