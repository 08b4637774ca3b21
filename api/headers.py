"""What every answer carries: what a browser may do with it, and who may keep it."""

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data: blob:",
    "font-src": "'self'",
    "connect-src": "'self'",
    "worker-src": "'self'",
    "manifest-src": "'self'",
    "object-src": "'none'",
    "base-uri": "'none'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
}
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Content-Security-Policy": "; ".join(f"{kind} {sources}" for kind, sources in _POLICY.items()),
    "Permissions-Policy": "geolocation=(self), camera=(self), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
OF_A_FILE = {
    "Content-Security-Policy": "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox"
}
"""What a file from elsewhere carries: whatever a browser takes it for, nothing in it runs, nor is it of this site."""
_ASKED_AGAIN = "private, no-cache"
_NEVER_KEPT = "private, no-store"
_FOR_EVER = "public, max-age=31536000, immutable"  # an asset's name has the hash of its content


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
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)  # a route that says it itself says it more narrowly
                headers.setdefault("Cache-Control", _kept(scope, message["status"]))
                if scope["scheme"] == "https":
                    headers["Strict-Transport-Security"] = "max-age=31536000"
                unchanged = held is not None and message["status"] == 200 and headers.get("etag") == held
                if unchanged:
                    message["status"] = 304
                    del headers["content-length"]
            elif unchanged:
                message["body"] = b""
            await send(message)

        await self._app(scope, receive, carry)


def _kept(scope: Scope, status: int) -> str:
    """How long an answer may be kept that does not say so itself."""
    if scope["method"] not in ("GET", "HEAD") or status >= 400:
        return _NEVER_KEPT
    return _FOR_EVER if scope["path"].startswith("/assets/") else _ASKED_AGAIN
