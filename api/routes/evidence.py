"""Evidence files of a claim: attached, listed, downloaded; each only by whom the claim's unit concerns."""

from enum import IntEnum
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import Response
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from api import contract
from api.answers import json
from api.asking import Asked
from api.context import Config, Reader, Reading, Records, Reporter, Store
from api.headers import OF_A_FILE
from api.routes.claims import found_json
from api.taken import MomentText, Number, Text
from api.writing import in_writing_thread
from farmland.records import city
from farmland.records.clock import parse_moment
from farmland.restoration.claims import Claim, get_claim
from farmland.restoration.evidence import (
    MEDIA_TYPES,
    Evidence,
    Purpose,
    attach,
    evidence_of,
    get_evidence,
    receive,
    thumbnail_of,
    too_large,
)
from farmland.restoration.rules import judge_photographs
from geodata.problems import Kind, Problem

router = APIRouter(prefix="/claims/{number}/evidence", tags=["evidence"])

CUT_OFF = Kind(
    "upload_cut_off",
    "文件没有传完，什么也没有保存。请重新上传。",
    "The file did not arrive whole, and nothing was kept. Send it again.",
)
Sha256 = Annotated[str, Path(pattern="^[0-9a-f]{64}$", description="The content's SHA-256")]
_BYTES: dict[str, Any] = {"schema": {"type": "string", "format": "binary"}}


def _claim_of(session: Session, asked: Asked, number: str) -> Claim:
    claim = get_claim(session, number)
    asked.require(claim.unit_code)
    return claim


def _entitled(records: Records, reporter: Reporter, number: Number) -> None:
    with records.reading() as session:
        _claim_of(session, reporter, number)


async def _content(request: Request, settings: Config, _: Annotated[None, Depends(_entitled)]) -> bytes:
    """The body, read only for who may send it, and no further than the limit."""
    limit = settings.evidence_limit
    parts: list[bytes] = []
    size = 0
    try:
        async for part in request.stream():
            size += len(part)
            if size > limit:
                raise too_large(limit)
            parts.append(part)
    except ClientDisconnect:
        raise Problem(CUT_OFF) from None
    return b"".join(parts)


def _facts(claim: Claim, files: list[Evidence], settings: Config) -> list[dict[str, Any]]:
    """Files of a claim as answers say them, with what rules say of them at once."""
    names = [name for name in contract.Evidence.model_fields if name != "doubts"]
    doubts: list[list[dict[str, Any]]] = [[] for _ in files]
    for case in judge_photographs(claim, files, settings.thresholds):
        doubts[case.row].append(found_json(case.rule, case.severity, case.facts))
    return [
        {name: getattr(file, name) for name in names} | {"doubts": said}
        for file, said in zip(files, doubts, strict=True)
    ]


@router.post(
    "",
    status_code=201,
    summary="Attach a photograph or a document: the body is the file; the same file again changes nothing",
    description="But where nobody had said what it shows, that can be said later.",
    response_model=contract.Evidence,
    openapi_extra={"requestBody": {"required": True, "content": {"application/octet-stream": _BYTES}}},
)
async def add(
    records: Records,
    store: Store,
    settings: Config,
    reporter: Reporter,
    number: Number,
    content: Annotated[bytes, Depends(_content)],
    name: Annotated[Text, Query(description="The file's name, as people will see it")] = "",
    purpose: Annotated[Purpose, Query(description="What it shows of the restoration")] = Purpose.OTHER,
    client_at: Annotated[
        MomentText | None, Query(description="When it was attached, as the sender's clock says: an ISO moment")
    ] = None,
) -> Response:
    attached_at = parse_moment(client_at) if client_at else None
    # It may take seconds to look at a photograph: not in a thread that others with something to write wait for.
    file = await run_in_threadpool(receive, store, content, settings.evidence_limit)

    def write() -> Response:
        with records.writing() as session:
            claim = _claim_of(session, reporter, number)
            actor = reporter.actor(claim.unit_code, city.next_moment(session))
            evidence = attach(session, claim, file, name, purpose, actor, attached_at)
            (said,) = _facts(claim, [evidence], settings)
            return json(said, 201)

    return await in_writing_thread(records, write)


@router.get("", summary="The evidence files of a claim", response_model=contract.EvidenceList)
def list_(session: Reading, settings: Config, reader: Reader, number: Number) -> Response:
    claim = _claim_of(session, reader, number)
    return json({"number": claim.number, "evidence": _facts(claim, evidence_of(session, claim), settings)})


@router.get(
    "/{sha256}",
    summary="An evidence file itself",
    response_class=Response,
    responses={200: {"content": {media_type: _BYTES for media_type in MEDIA_TYPES}}},
)
def download(session: Reading, store: Store, reader: Reader, number: Number, sha256: Sha256) -> Response:
    evidence = get_evidence(session, _claim_of(session, reader, number), sha256)
    plain = "".join(letter if letter.isascii() and letter not in '"\\%' else "_" for letter in evidence.name)
    named = f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(evidence.name, safe='')}"
    return _unchanging(store.get(sha256), evidence.media_type, sha256, {"Content-Disposition": named})


class Side(IntEnum):
    """The sizes of thumbnails, pixels: few, because each is kept."""

    SMALL = 160
    MIDDLE = 320
    LARGE = 640


@router.get(
    "/{sha256}/thumbnail",
    summary="A photograph as a small JPEG, turned as it was taken, without its metadata",
    response_class=Response,
    responses={200: {"content": {"image/jpeg": _BYTES}}},
)
def small(
    session: Reading,
    store: Store,
    reader: Reader,
    number: Number,
    sha256: Sha256,
    pixels: Annotated[Side, Query(description="Its longer side, at most")] = Side.MIDDLE,
) -> Response:
    evidence = get_evidence(session, _claim_of(session, reader, number), sha256)
    return _unchanging(thumbnail_of(store, evidence, pixels), "image/jpeg", f"{sha256}-{pixels}", {})


def _unchanging(body: bytes, media_type: str, tag: str, headers: dict[str, str]) -> Response:
    """What its address says for ever, to be kept by the browser of who may see it, and by nobody between."""
    kept = {
        "ETag": f'"{tag}"',
        "Cache-Control": "private, max-age=31536000, immutable",
        "Vary": "Authorization, Cookie",
        "Content-Encoding": "identity",  # never compressed: it is the file, byte by byte
        **OF_A_FILE,
    }
    return Response(body, headers=kept | headers, media_type=media_type)
