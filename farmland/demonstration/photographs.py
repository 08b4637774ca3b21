"""Made-up photographs of the demonstration's claims: drawn, small, and said to be so in the picture itself."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from io import BytesIO

import geopandas as gpd
import numpy as np
import shapely
from PIL import ExifTags, Image, ImageDraw, ImageFont, TiffImagePlugin
from sqlalchemy.orm import Session

from farmland.evidence.store import EvidenceStore
from farmland.people.people import Actor
from farmland.restoration.claims import State, get_claim
from farmland.restoration.evidence import Purpose, attach, receive
from geodata.sheet import asset

_SIZE = (320, 240)
_LIMIT = 1_000_000
_SHARES = {
    State.REPORTED: 0.45,
    State.CHECKED: 0.7,
    State.ACCEPTED: 0.87,
    State.REJECTED: 0.3,
    State.REVOKED: 0.87,
}
"""How many of the claims that came so far have photographs."""


@dataclass(frozen=True)
class Shot:
    """A photograph that is to be drawn: of which claim, what it shows, when and where it is taken, when it is attached."""

    number: str
    purpose: Purpose
    taken_at: datetime
    attached_at: datetime
    longitude: float
    latitude: float
    by: str


def plan(claims: gpd.GeoDataFrame, rng: np.random.Generator) -> list[Shot]:
    """Which claims (the table to be imported) have photographs, of before and of after, in the order in which they came.

    They are taken inside the polygon, and attached as the claim is reported.
    """
    inner = shapely.get_coordinates(shapely.point_on_surface(claims.geometry.to_numpy()))
    shots = []
    for claim, (x, y) in zip(claims.to_dict("records"), inner.tolist(), strict=True):
        chosen, minutes, days = rng.uniform(), int(rng.integers(5, 110)), int(rng.integers(12, 40))
        if chosen > _SHARES[max((state for state in State if claim[f"{state}_at"]), key=list(State).index)]:
            continue
        reported = datetime.fromisoformat(claim["reported_at"])
        for purpose, taken_at, minute in (
            (Purpose.BEFORE, reported - timedelta(days=days), 2),
            (Purpose.AFTER, reported - timedelta(minutes=minutes), 3),
        ):
            at = reported + timedelta(minutes=minute)
            shots.append(Shot(claim["number"], purpose, taken_at, at, x, y, claim["reported_by"]))
    return sorted(shots, key=lambda shot: (shot.attached_at, shot.number))


class Album:
    """Photographs that are drawn and attached as time goes on; those of before only where they are asked for."""

    def __init__(self, shots: Sequence[Shot], seed: int, store: EvidenceStore) -> None:
        self._left, self._seed, self._store = list(reversed(shots)), seed, store
        self._font = ImageFont.truetype(str(asset("fonts/NotoSansSC-Bold.ttf")), 22)

    def attach_until(self, session: Session, moment: datetime) -> None:
        """Attach what came before a moment and is not attached yet. Only under the right to write."""
        while self._left and self._left[-1].attached_at < moment:
            shot = self._left.pop()
            claim = get_claim(session, shot.number)
            if shot.purpose is Purpose.BEFORE and not claim.before_asked:
                continue
            file = receive(self._store, _drawn(shot, self._seed, self._font), _LIMIT)
            actor = Actor(shot.by, shot.attached_at, shot.attached_at)
            attach(session, claim, file, f"{shot.number}-{shot.purpose}.jpg", shot.purpose, actor, shot.attached_at)


def _drawn(shot: Shot, seed: int, font: ImageFont.FreeTypeFont) -> bytes:
    """A field, soft and like no other, with its caption, and what a telephone writes into its photographs."""
    rng = np.random.default_rng([seed, zlib.crc32(f"{shot.number} {shot.purpose}".encode())])
    low, high = ((70, 40, 20), (190, 150, 110)) if shot.purpose is Purpose.BEFORE else ((20, 70, 10), (150, 210, 90))
    patches = rng.integers(low, high, (7, 9, 3)).astype(np.uint8)
    picture = Image.fromarray(patches).resize(_SIZE, Image.Resampling.BICUBIC)
    draw = ImageDraw.Draw(picture)
    draw.rectangle((0, 0, _SIZE[0], 34), fill=(255, 255, 255))
    draw.text((8, 2), f"虚构 made up {shot.number}", font=font, fill=(150, 0, 0))
    content = BytesIO()
    picture.save(content, "JPEG", quality=40, exif=_exif(shot))
    return content.getvalue()


def _exif(shot: Shot) -> Image.Exif:
    tags, gps, base = Image.Exif(), ExifTags.GPS, ExifTags.Base
    tags[base.Make], tags[base.Model] = "Made up", "Demonstration"
    tags.get_ifd(ExifTags.IFD.Exif).update(
        {base.DateTimeOriginal: f"{shot.taken_at:%Y:%m:%d %H:%M:%S}", base.OffsetTimeOriginal: "+08:00"}
    )
    tags.get_ifd(ExifTags.IFD.GPSInfo).update(
        {
            gps.GPSLongitudeRef: "E",
            gps.GPSLongitude: _sexagesimal(shot.longitude),
            gps.GPSLatitudeRef: "N",
            gps.GPSLatitude: _sexagesimal(shot.latitude),
            gps.GPSHPositioningError: TiffImagePlugin.IFDRational(5, 1),
        }
    )
    return tags


def _sexagesimal(degrees: float) -> tuple[TiffImagePlugin.IFDRational, ...]:
    minutes = degrees % 1 * 60
    seconds = Fraction(minutes % 1 * 60).limit_denominator(100_000)
    return tuple(
        TiffImagePlugin.IFDRational(*Fraction(part).as_integer_ratio())
        for part in (int(degrees), int(minutes), seconds)
    )
