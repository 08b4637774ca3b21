"""What this system is, and what it holds."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from api import contract
from api.answers import json
from api.asking import OPEN
from api.context import AsOf, Config, Reading, UnitCode
from farmland.accounts.public_page import is_public
from farmland.accounts.sign_in import open_accounts
from farmland.figures.summary import summary
from farmland.land.tiles import FILE_NAME
from farmland.land.units import cities
from farmland.records import city
from farmland.records.clock import day_of

router = APIRouter(tags=["about"])


@router.get(
    "/about",
    dependencies=[OPEN],
    summary="The city, its day, and whether it is a demonstration",
    response_model=contract.About,
)
def about(session: Reading, config: Config, request: Request) -> Response:
    standing = city.demonstration(session)
    tops = [{"code": unit.code, "name": unit.name} for unit in cities(session)]
    tiles = config.tiles / FILE_NAME
    return json(
        {
            "version": request.app.version,
            "city": tops[0] if tops else None,
            "cities": tops,
            "today": day_of(city.now(session)),
            "demonstration": standing is not None,
            "note_zh": standing.note_zh if standing else "",
            "note_en": standing.note_en if standing else "",
            "tiles": {
                "available": tiles.exists(),
                "url": f"/tiles/{FILE_NAME}",
                "version": str(tiles.stat().st_mtime_ns) if tiles.exists() else None,
            },
            "public": is_public(session),
            "oidc": {"name": config.oidc_name} if config.oidc_issuer else None,
            "open_accounts": [{"account": one.name, "full_name": one.full_name} for one in open_accounts(session)],
            "warning": {"green": config.warning_green, "yellow": config.warning_yellow},
        }
    )


@router.get(
    "/summary",
    summary="What a unit has: units, field chiefs, plots, farmland; and where nobody answers for it",
    response_model=contract.Summary,
)
def summed(session: Reading, unit: UnitCode, moment: AsOf) -> Response:
    return json(vars(summary(session, unit, day_of(moment))))
