"""The routes of the progress-report API, a module for each noun."""

from fastapi import APIRouter

from api.contract import ProblemDetails
from api.routes import about, chiefs, claims, evidence, plots, progress, targets, units

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
):
    router.include_router(part)
