"""A sign-in provider of the tests' own that says what it is told to: what a faithful provider never would."""

import base64
import hmac
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from authlib.oidc.core.util import create_half_hash
from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT, SECRET = "tianzhang", "a secret & more: 密"
Claims = dict[str, Any]


@dataclass
class Liar:
    """What it says of whoever comes: `lie` changes the claims of the ID token, `sign` signs them, `instead` replaces answers."""

    address: str
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "a"}))
    lie: Callable[[Claims], object] = lambda claims: None
    sign: Callable[["Liar", Claims], str] = lambda liar, claims: signed(liar.key, claims)
    instead: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    asked: dict[str, str] = field(default_factory=dict)
    forms: list[dict[str, str]] = field(default_factory=list)

    def answer(self, path: str, form: dict[str, str]) -> tuple[int, bytes]:
        if path in self.instead:
            return self.instead[path]
        if path == "/.well-known/openid-configuration":
            places = {"authorization_endpoint": "authorize", "token_endpoint": "token", "jwks_uri": "keys"}
            said: Claims = {name: f"{self.address}/{place}" for name, place in places.items()}
            return 200, json.dumps(said | {"issuer": self.address, "userinfo_endpoint": f"{self.address}/me"}).encode()
        if path == "/keys":
            return 200, json.dumps({"keys": [self.key.as_dict(private=False)]}).encode()
        if path == "/me":
            return 200, json.dumps({"sub": "1", "preferred_username": "li.ming"}).encode()
        self.forms.append(form)
        now = int(time.time())
        claims: Claims = {"iss": self.address, "sub": "1", "aud": CLIENT, "iat": now, "exp": now + 60}
        claims |= {"nonce": self.asked["nonce"], "preferred_username": "li.ming"}
        claims["at_hash"] = create_half_hash("access", "RS256").decode()
        self.lie(claims)
        token = {"access_token": "access", "token_type": "Bearer", "id_token": self.sign(self, claims)}
        return 200, json.dumps(token).encode()


def signed(key: RSAKey, claims: Claims) -> str:
    return jwt.encode({"alg": "RS256", "kid": "a"}, claims, key)


def encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def unsigned(_: Liar, claims: Claims) -> str:
    return ".".join((encoded(b'{"alg": "none"}'), encoded(json.dumps(claims).encode()), ""))


def by_the_public_key(liar: Liar, claims: Claims) -> str:
    """Signed by HMAC with what everybody knows, as if it were a shared secret."""
    content = ".".join((encoded(b'{"alg": "HS256", "kid": "a"}'), encoded(json.dumps(claims).encode())))
    return f"{content}.{encoded(hmac.digest(liar.key.as_pem(private=False), content.encode(), 'sha256'))}"


def by_another_key(_: Liar, claims: Claims) -> str:
    return signed(RSAKey.generate_key(2048), claims)


def altered(liar: Liar, claims: Claims) -> str:
    """Signed rightly, and altered afterwards."""
    head, _, signature = signed(liar.key, claims).split(".")
    return ".".join((head, encoded(json.dumps(claims | {"preferred_username": "root"}).encode()), signature))


@contextmanager
def lying() -> Iterator[Liar]:
    """It listens on this machine, until the end."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            form = {name: values[0] for name, values in parse_qs(self.rfile.read(length).decode()).items()}
            status, body = liar.answer(urlsplit(self.path).path, form | {"by": self.headers.get("Authorization", "")})
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        liar = Liar(f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield liar
        finally:
            server.shutdown()
            thread.join()
