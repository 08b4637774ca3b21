"""Answers: problems as application/problem+json in the reader's language, JSON and GeoJSON as bytes."""

import hashlib
from typing import Any

import orjson
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from fastapi.routing import iter_route_contexts
from starlette.exceptions import HTTPException

from api.asking import record_refusal
from api.logs import log
from api.writing import in_writing_thread
from geodata.problems import Answer, Language, Problem

STATUS: dict[Answer, int] = {
    "refused": 422,
    "not_found": 404,
    "forbidden": 403,
    "unauthenticated": 401,
    "conflict": 409,
    "too_large": 413,
    "too_many": 429,
    "gone": 499,  # as nginx calls it: the asker was gone first
    "fault": 500,
    "unreachable": 502,
    "busy": 503,
}
BODY_MB = 8
"""The largest body that is taken, MB; a route that takes a file has a limit of its own."""
HEAD_KB = 16
"""The most that a request's address and headers may have together, kB."""
_HTTP = {
    400: (
        "unreadable_body",
        "请求的内容读不出来：不是完整的 JSON，或嵌套过深、数字过长。请检查后再发送。",
        "The body cannot be read: it is no whole JSON, or nested too deeply, or has too long a number. Check it, and send it "
        "again.",
    ),
    404: (
        "not_found",
        "没有这个地址。接口说明见 /openapi.json。",
        "There is no such address. See /openapi.json.",
    ),
    405: (
        "method_not_allowed",
        "此地址不支持这种操作。",
        "This address does not support that method.",
    ),
    413: (
        "body_too_large",
        f"请求的内容超过上限 {BODY_MB} MB。请分成几次提交。",
        f"The body is larger than {BODY_MB} MB. Send it in several parts.",
    ),
    431: (
        "head_too_large",
        f"请求的网址和请求头合计超过上限 {HEAD_KB} kB。请缩短网址，或清除此网站的 Cookie 后再试。",
        f"The address and the headers are larger than {HEAD_KB} kB together. Shorten the address, or clear this site's "
        "cookies, and try again.",
    ),
}


def language_of(request: Request) -> Language:
    """The reader's language: ?lang=, else Accept-Language, else Chinese."""
    wanted = request.query_params.get("lang") or request.headers.get("accept-language", "")
    return "en" if wanted.lower().startswith("en") else "zh"


class GeoJSONResponse(JSONResponse):
    """GeoJSON (RFC 7946) that is bytes already."""

    media_type = "application/geo+json"

    def render(self, content: bytes) -> bytes:
        return content


def json(content: Any, status: int = 200) -> Response:
    """A JSON answer; dates and moments are written in ISO form."""
    return tagged(orjson.dumps(content), "application/json", status)


def tagged(body: bytes, media_type: str = GeoJSONResponse.media_type, status: int = 200) -> Response:
    """An answer with an ETag, by which whoever asks again is told that nothing changed."""
    # Weak: compressed or not, it is the same content.
    tag = f'W/"{hashlib.sha256(body).hexdigest()[:24]}"'
    return Response(body, status, {"ETag": tag}, media_type)


def geojson(features: list[bytes], **members: Any) -> Response:
    """A FeatureCollection of features that are encoded already."""
    rest = b"".join(b"," + orjson.dumps(name) + b":" + orjson.dumps(value) for name, value in members.items())
    body = b'{"type":"FeatureCollection","features":[' + b",".join(features) + b"]" + rest + b"}"
    return tagged(body)


def feature(geometry: str | None, properties: dict[str, Any], feature_id: Any = None) -> bytes:
    """One GeoJSON feature; the geometry is GeoJSON text already."""
    member = b"" if feature_id is None else b'"id":' + orjson.dumps(feature_id) + b","
    shape = (geometry or "null").encode()
    return b'{"type":"Feature",' + member + b'"geometry":' + shape + b',"properties":' + orjson.dumps(properties) + b"}"


def problem(status: int, code: str, detail: str, **members: Any) -> Response:
    """An answer of the kind application/problem+json (RFC 9457)."""
    body = {
        "type": f"urn:tianzhang:{code}",
        "title": code,
        "status": status,
        "code": code,
        "detail": detail,
        **members,
    }
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else None
    return Response(orjson.dumps(body), status, headers, media_type="application/problem+json")


def http_problem(request: Request, status: int, otherwise: str = "") -> Response:
    """What is wrong with a request as such; `otherwise` is said of a status that has no sentence here."""
    code, zh, en = _HTTP.get(status, ("http_error", otherwise, otherwise))
    return problem(status, code, en if language_of(request) == "en" else zh)


def methods_of(request: Request) -> list[str]:
    """The methods that the routes of an address take; none where there is no route."""
    path = request.url.path
    routes = [one for one in iter_route_contexts(request.app.routes) if one.methods and one.path_regex.fullmatch(path)]
    # An address of its own, such as /claims/preview, is none of those with a part left open.
    routes = [one for one in routes if one.path_format == path] or routes
    return sorted({method for one in routes for method in one.methods or ()})


def fault(request: Request) -> Response:
    """The answer where something broke: what to do, not what broke; and the number by which the log tells it."""
    number = request.state.request_id
    zh = f"系统出错，未能回答。请稍后再试；若仍然如此，请把编号 {number} 告诉管理员。"
    en = f"Something went wrong here. Try again later; if it persists, tell the administrator this number: {number}."
    return problem(500, "internal_error", en if language_of(request) == "en" else zh)


def install(app: FastAPI) -> None:
    """Have every refusal of the application answered as a problem."""

    @app.exception_handler(Problem)
    async def _refused(request: Request, error: Problem) -> Response:
        if error.kind.answer == "forbidden":
            error = await in_writing_thread(request.app.state.database, record_refusal, request, error)
        status, language, number = STATUS[error.kind.answer], language_of(request), request.state.request_id
        detail = error.sentence(language)
        if status == 500:
            log.error(error.code, extra={"request_id": number})
            detail += f" Number: {number}." if language == "en" else f"编号：{number}。"
        return problem(status, error.code, detail)

    @app.exception_handler(HTTPException)
    def _http(request: Request, error: HTTPException) -> Response:
        status, answer_to = error.status_code, methods_of(request)
        if status == 404 and answer_to and request.method not in answer_to:
            status = 405  # the files of the page stand under every address, and know nothing of ours
        refusal = http_problem(request, status, str(error.detail))
        if status == 405:
            refusal.headers["Allow"] = ", ".join(answer_to or ("GET", "HEAD"))
        return refusal

    @app.exception_handler(RequestValidationError)
    def _invalid(request: Request, error: RequestValidationError) -> Response:
        places = [{"where": ".".join(str(part) for part in one["loc"]), "detail": one["msg"]} for one in error.errors()]
        names = ", ".join(place["where"] for place in places)
        zh = f"请求中这些内容不对：{names}。请按 /openapi.json 的说明改正。"
        en = f"These parts of the request are wrong: {names}. Correct them as /openapi.json says."
        return problem(
            422,
            "invalid_request",
            en if language_of(request) == "en" else zh,
            errors=places,
        )
