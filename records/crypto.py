"""Sealing of texts, names and contact details: AES-256-GCM with a key id, bound to table, column and row.

A sealed value copied to another row does not open. Look-up goes by a keyed blind index, so that the database
alone does not tell who wrote. Keys live in a file outside the database.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

SAMPLE_KEY = base64.b64encode(b"xindeng-sample-key-do-not-use-32").decode()
_NONCE_BYTES = 12
_TAG_BYTES = 16


class WrongKey(Exception):
    """The key does not open this record: check HOTLINE_KEY_FILE; nothing was changed."""


class BadKeyFile(Exception):
    """The key file cannot be used."""


@dataclass(frozen=True)
class Vault:
    """Seals and opens values. `keys` maps a key id (1-255) to 32 bytes; `current` is the id that seals."""

    keys: dict[int, bytes]
    current: int
    index_key: bytes

    def seal(self, text: str, where: str, row: str) -> bytes:
        """Seal text for one place: `where` is table.column. Lone surrogates are kept byte for byte."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        plain = text.encode("utf-8", "surrogatepass")
        body = AESGCM(self.keys[self.current]).encrypt(nonce, plain, f"{where}:{row}".encode())
        return bytes([self.current]) + nonce + body

    def open(self, sealed: bytes, where: str, row: str) -> str:
        """Open what seal made for the same place; raise WrongKey otherwise."""
        if len(sealed) < 1 + _NONCE_BYTES + _TAG_BYTES:
            raise WrongKey(WrongKey.__doc__)
        key = self.keys.get(sealed[0])
        if key is None:
            raise WrongKey(f"no key with id {sealed[0]} in the key file")
        nonce, body = sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
        try:
            plain = AESGCM(key).decrypt(nonce, body, f"{where}:{row}".encode())
        except InvalidTag:
            raise WrongKey(WrongKey.__doc__) from None
        return plain.decode("utf-8", "surrogatepass")

    def blind_index(self, value: str) -> str:
        """A keyed fingerprint for look-up of a platform id or phone number."""
        return hmac.new(self.index_key, value.strip().encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()

    def sign(self, purpose: str, value: str) -> str:
        """A short keyed proof that this machine's owner said `value` for `purpose` (drills)."""
        return hmac.new(self.index_key, f"{purpose}\0{value}".encode(), hashlib.sha256).hexdigest()[:32]

    @property
    def is_sample(self) -> bool:
        """Whether the published sample key is in use: never fit for real people's words."""
        return base64.b64decode(SAMPLE_KEY) in self.keys.values()


def sign_body(secret: str, timestamp: str, body: bytes) -> str:
    """The signature of a body at a time, as signed HTTP of ours carries it in a header."""
    return "v1=" + hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def load_vault(path: Path) -> Vault:
    """Read the key file (JSON: keys, current, index_key; base64), or make one with mode 0600 if there is none."""
    if not path.exists():
        write_once(path, _new_keys())
    try:
        raw = json.loads(path.read_text())
        keys = {int(number): base64.b64decode(key) for number, key in raw["keys"].items()}
        vault = Vault(keys, int(raw["current"]), base64.b64decode(raw["index_key"]))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadKeyFile(f"{path}: not a key file ({error}); restore it from your backup of the keys") from error
    if vault.current not in keys or any(len(key) != 32 for key in (*keys.values(), vault.index_key)):
        raise BadKeyFile(f"{path}: every key must have 32 bytes and `current` must name one of them")
    if not all(1 <= number <= 255 for number in keys):
        raise BadKeyFile(f"{path}: key ids go from 1 to 255")
    return vault


def write_once(path: Path, text: str) -> None:
    """Keep a secret in a file of mode 0600; of processes that start together, the first one's counts."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.new-{secrets.token_hex(8)}")
    handle = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    with contextlib.suppress(FileExistsError):
        os.link(draft, path)
    draft.unlink()


def _new_keys() -> str:
    fresh = {
        "current": 1,
        "keys": {"1": base64.b64encode(secrets.token_bytes(32)).decode()},
        "index_key": base64.b64encode(secrets.token_bytes(32)).decode(),
    }
    return json.dumps(fresh, indent=2)
