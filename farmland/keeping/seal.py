"""Seals: the head of the ledger, signed (Ed25519, RFC 8032), which whoever holds the public key can check by itself.

A seal that is kept elsewhere binds all that stood in the ledger when it was made: neither an entry nor a record of
before can be altered, or rolled back, without :mod:`farmland.keeping.verify` finding it against the seal.
"""

import base64
from datetime import datetime
from pathlib import Path
from typing import Literal

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)
from pydantic import BaseModel, ConfigDict, ValidationError
from sqlalchemy import select
from sqlalchemy.orm import Session

from farmland.land.units import cities
from farmland.records.kept_files import keep_file
from farmland.records.ledger import Entry, canonical, head
from geodata.problems import Kind, Problem

KEY_MISSING = Kind(
    "seal_key_missing",
    "找不到封存用的密钥 {file}。请先运行 tianzhang init；若密钥遗失，旧的封存仍可用公钥核对。",
    "There is no key {file} to seal with. Run tianzhang init first; seals of before can still be checked with their "
    "public key.",
    "conflict",
)
NOT_A_KEY = Kind(
    "not_a_key",
    "{file} 不是 Ed25519 密钥（PEM 格式）。请用 tianzhang init 所建的 seal.key 或 seal.pub。",
    "{file} is no Ed25519 key (PEM). Use the seal.key or seal.pub that tianzhang init made.",
)
NOT_A_SEAL = Kind(
    "not_a_seal",
    "{file} 不是封存文件。请用 tianzhang seal 所写的 JSON 文件。",
    "{file} is no seal. Use the JSON file that tianzhang seal wrote.",
)
SEAL_BROKEN = Kind(
    "seal_broken",
    "封存文件的签名不对：内容被改动过，或不是用公钥 {key} 对应的密钥签的。",
    "The seal's signature is wrong: it was altered, or was not made with the key whose public part is {key}.",
    "conflict",
)
NOTHING_TO_SEAL = Kind(
    "nothing_to_seal",
    "台账还是空的，没有可封存的内容。",
    "The ledger is empty: there is nothing to seal.",
    "conflict",
)
PRIVATE_NAME, PUBLIC_NAME = "seal.key", "seal.pub"


class Seal(BaseModel):
    """A signed head: `entry` entries, of which the last has the hash `head`. Key and signature are base64."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    tianzhang_seal: Literal[1] = 1
    city_code: str
    city_name: str
    entry: int
    head: str
    entry_at: datetime
    sealed_at: datetime
    public_key: str
    signature: str = ""

    def signed(self) -> bytes:
        """What the signature is over: the canonical JSON of all other fields."""
        return canonical(self.model_dump(mode="json", exclude={"signature"})).encode()


def make_key(folder: Path) -> None:
    """Make the pair of keys in a folder unless it is there: the private one for its owner alone."""
    path = folder / PRIVATE_NAME
    if path.exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    key = Ed25519PrivateKey.generate()
    keep_file(path, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), 0o600)
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    keep_file(folder / PUBLIC_NAME, public)


def write_seal(seal: Seal, path: Path) -> None:
    """Write a seal's file, to the disk."""
    keep_file(path, f"{seal.model_dump_json(indent=2)}\n".encode())


def make_seal(session: Session, folder: Path, now: datetime) -> Seal:
    """A seal of the ledger as it stands, with the key in a folder. Raises KEY_MISSING, NOT_A_KEY, NOTHING_TO_SEAL."""
    path = folder / PRIVATE_NAME
    if not path.exists():
        raise Problem(KEY_MISSING, file=path)
    try:
        key = load_pem_private_key(path.read_bytes(), None)
    except ValueError:
        raise Problem(NOT_A_KEY, file=path) from None
    if not isinstance(key, Ed25519PrivateKey):
        raise Problem(NOT_A_KEY, file=path)
    seq, last = head(session)
    if not seq:
        raise Problem(NOTHING_TO_SEAL)
    units = cities(session)
    unsigned = Seal(
        city_code=",".join(unit.code for unit in units),
        city_name="、".join(unit.name for unit in units),
        entry=seq,
        head=last,
        entry_at=session.scalars(select(Entry.at).where(Entry.seq == seq)).one(),
        sealed_at=now,
        public_key=_text(key.public_key()),
    )
    return unsigned.model_copy(update={"signature": base64.b64encode(key.sign(unsigned.signed())).decode()})


def read_seal(path: Path, public_key: Path | None = None) -> Seal:
    """A seal from a file, its signature checked: by a public key that is held, else by the one that it names itself.

    Raises NOT_A_SEAL, NOT_A_KEY, SEAL_BROKEN.
    """
    try:
        seal = Seal.model_validate_json(path.read_bytes())
        named = Ed25519PublicKey.from_public_bytes(base64.b64decode(seal.public_key, validate=True))
        signature = base64.b64decode(seal.signature, validate=True)
    except (OSError, ValidationError, ValueError):
        raise Problem(NOT_A_SEAL, file=path) from None
    key = _public_key(public_key) if public_key else named
    try:
        key.verify(signature, seal.signed())
    except InvalidSignature:
        raise Problem(SEAL_BROKEN, key=_text(key)) from None
    return seal


def _public_key(path: Path) -> Ed25519PublicKey:
    try:
        key = load_pem_public_key(path.read_bytes())
    except (OSError, ValueError):
        raise Problem(NOT_A_KEY, file=path) from None
    if not isinstance(key, Ed25519PublicKey):
        raise Problem(NOT_A_KEY, file=path)
    return key


def _text(key: Ed25519PublicKey) -> str:
    return base64.b64encode(key.public_bytes(Encoding.Raw, PublicFormat.Raw)).decode()
