"""The routes of the progress-report API, a module for each noun."""

from fastapi import APIRouter

from api.asking import declare
from api.contract import ProblemDetails
from api.routes import (
    about,
    accounts,
    chiefs,
    claims,
    evidence,
    ledger,
    oidc,
    periods,
    plots,
    progress,
    public,
    sign_in,
    targets,
    tokens,
    units,
)

_PROBLEM = {
    "description": "A refusal: what is wrong, where, and what to do",
    "content": {"application/problem+json": {"schema": ProblemDetails.model_json_schema()}},
}

router = APIRouter(prefix="/api/v1", responses={"4XX": _PROBLEM, 422: _PROBLEM})
for part in (
    about.router,
    units.outlines,
    units.router,
    chiefs.router,
    plots.router,
    targets.router,
    evidence.router,  # before the claims, whose steps stand where its files do
    claims.router,
    progress.router,
    periods.router,
    ledger.router,
    public.router,
    sign_in.router,
    accounts.router,
    tokens.router,
):
    router.include_router(declare(part))
router.include_router(declare(oidc.router), responses={502: _PROBLEM})
