"""Photographs: whether a file really is one, what it tells of itself (place, time, direction, camera), a small picture.

EXIF after CIPA DC-008 (Exif 2.32); the perceptual hash is imagehash's pHash (64 bits of a discrete cosine transform).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from typing import Any, TypeVar

import imagehash
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from farmland.records.clock import EARLIEST, SHANGHAI, day_of
from geodata.problems import Kind, Problem

MOST_PIXELS = 80_000_000
"""Room for a telephone's 64 megapixels; opened whole, a PNG of this size takes 320 MB of memory."""

NOT_A_PHOTOGRAPH = Kind(
    "kind_not_allowed",
    "这个文件按其内容不是 JPEG、PNG、WebP 照片，也不是 PDF 文档（与文件名无关）。请另存为其中一种再上传。",
    "By its content, whatever its name, this file is no photograph (JPEG, PNG, WebP) and no PDF document. Save it as one "
    "of these and send it again.",
)
PHOTOGRAPH_DAMAGED = Kind(
    "photograph_damaged",
    "这张照片不完整或已损坏，不能全部打开。请从原机重新取出再上传。",
    "This photograph is cut short or damaged: it cannot be opened whole. Take it from the camera anew and send it again.",
)
TOO_MANY_PIXELS = Kind(
    "too_many_pixels",
    "这张照片超过上限 {most:,} 像素。请缩小后再上传。",
    "This photograph has more than {most:,} pixels. Send a smaller one.",
)

_MEDIA_TYPES = {"JPEG": "image/jpeg", "MPO": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp"}
PHOTOGRAPH_TYPES = tuple(dict.fromkeys(_MEDIA_TYPES.values()))
"""The media types of the photographs that are taken."""
_HASHED_FROM = (256, 256)

Fact = TypeVar("Fact")


@dataclass(frozen=True)
class PhotoFacts:
    """What a photograph tells of itself; None for what it does not tell, or tells in a way that makes no sense.

    Degrees of WGS 84, which EPSG:4490 equals to some centimetres; `accuracy_m` in metres; `bearing` the way the camera
    looked, degrees clockwise from north, 0 <= bearing < 360; `perceptual_hash` 16 hexadecimal digits.
    """

    media_type: str
    taken_at: datetime | None
    longitude: float | None
    latitude: float | None
    accuracy_m: float | None
    bearing: float | None
    device: str | None
    perceptual_hash: str


def photo_facts(content: bytes) -> PhotoFacts:
    """What a photograph tells of itself. A broken EXIF never keeps it from being taken.

    A time without an offset is Asia/Shanghai's. The perceptual hash is that of the picture as people see it, turned as its
    EXIF says. Raises NOT_A_PHOTOGRAPH, PHOTOGRAPH_DAMAGED, TOO_MANY_PIXELS.
    """
    image = _opened(content)
    media_type = _MEDIA_TYPES[image.format or ""]
    picture = _decoded(image, "L", _HASHED_FROM)
    tags: dict[int, Any] = _told(lambda: dict(image.getexif())) or {}
    camera: dict[int, Any] = _told(lambda: dict(image.getexif().get_ifd(ExifTags.IFD.Exif))) or {}
    place: dict[int, Any] = _told(lambda: dict(image.getexif().get_ifd(ExifTags.IFD.GPSInfo))) or {}
    longitude, latitude = _told(lambda: _position(place)) or (None, None)
    return PhotoFacts(
        media_type=media_type,
        taken_at=_told(lambda: _moment(camera)),
        longitude=longitude,
        latitude=latitude,
        accuracy_m=_told(lambda: _number(place[ExifTags.GPS.GPSHPositioningError], 0, 1e7)),
        bearing=_told(lambda: _number(place[ExifTags.GPS.GPSImgDirection], 0, 360) % 360),
        device=_told(lambda: _device(tags)),
        perceptual_hash=str(imagehash.phash(picture)),
    )


def thumbnail(content: bytes, pixels: int) -> bytes:
    """A JPEG of at most `pixels` in width and height, turned as the EXIF says, without any of its metadata.

    Raises NOT_A_PHOTOGRAPH, PHOTOGRAPH_DAMAGED, TOO_MANY_PIXELS.
    """
    picture = _decoded(_opened(content), "RGB", (pixels, pixels))
    picture.thumbnail((pixels, pixels))
    # A new picture: a JPEG would take comments along from the old one.
    small = Image.new("RGB", picture.size, "white")
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
        small.paste(picture, mask=picture)
    else:
        small.paste(picture.convert("RGB"))
    made = BytesIO()
    small.save(made, "JPEG", quality=80, optimize=True)
    return made.getvalue()


def _opened(content: bytes) -> Image.Image:
    """The picture, its size known and nothing decoded."""
    try:
        image = Image.open(BytesIO(content), formats=("JPEG", "PNG", "WEBP"))
    except UnidentifiedImageError:
        raise Problem(NOT_A_PHOTOGRAPH) from None
    except Image.DecompressionBombError:
        raise Problem(TOO_MANY_PIXELS, most=MOST_PIXELS) from None
    except Exception:  # which errors a decoder raises over foreign bytes is nowhere promised
        raise Problem(PHOTOGRAPH_DAMAGED) from None
    if image.width * image.height > MOST_PIXELS:
        raise Problem(TOO_MANY_PIXELS, most=MOST_PIXELS)
    return image


def _decoded(image: Image.Image, mode: str, size: tuple[int, int]) -> Image.Image:
    """The whole picture read and turned the right way up; a JPEG's at a scale that still has `size`."""
    try:
        image.draft(mode, size)
        image.load()
    except Exception:  # as above
        raise Problem(PHOTOGRAPH_DAMAGED) from None
    return _told(lambda: ImageOps.exif_transpose(image)) or image


def _told(read: Callable[[], Fact]) -> Fact | None:
    try:
        return read()
    except Exception:  # whatever a broken EXIF makes of its reading, the fact is not told
        return None


def _number(value: Any, least: float, most: float) -> float:
    number = float(value)
    if not least <= number <= most:  # not a number is neither
        raise ValueError(number)
    return number


def _degrees(place: dict[int, Any], tag: int, reference: int, signs: dict[str, int], most: float) -> float:
    parts = (_number(part, 0, most) for part in place[tag])
    degrees = math.fsum(part / 60**power for power, part in enumerate(parts))
    return _number(degrees, 0, most) * signs[place[reference].strip("\0 ").upper()]


def _position(place: dict[int, Any]) -> tuple[float, float] | None:
    tags = ExifTags.GPS
    longitude = _degrees(place, tags.GPSLongitude, tags.GPSLongitudeRef, {"E": 1, "W": -1}, 180)
    latitude = _degrees(place, tags.GPSLatitude, tags.GPSLatitudeRef, {"N": 1, "S": -1}, 90)
    # Cameras without a fix write zeros.
    return (longitude, latitude) if longitude or latitude else None


def _moment(camera: dict[int, Any]) -> datetime | None:
    moment = datetime.strptime(camera[ExifTags.Base.DateTimeOriginal].strip("\0 "), "%Y:%m:%d %H:%M:%S")
    offset = _told(lambda: datetime.strptime(camera[ExifTags.Base.OffsetTimeOriginal].strip("\0 "), "%z").tzinfo)
    moment = moment.replace(tzinfo=offset or SHANGHAI).astimezone(SHANGHAI)
    # A camera whose clock was never set writes the day on which its clock begins.
    return moment if day_of(moment) >= EARLIEST else None


def _device(tags: dict[int, Any]) -> str | None:
    words = (tags.get(ExifTags.Base.Make), tags.get(ExifTags.Base.Model))
    shown = " ".join(word.strip("\0 ") for word in words if isinstance(word, str))
    return "".join(letter for letter in shown if letter.isprintable()).strip()[:100] or None
