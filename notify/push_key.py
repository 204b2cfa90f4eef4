"""Our key towards push services (VAPID, RFC 8292): browsers bind their subscriptions to it, so it must not change."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from records.crypto import write_once

_LASTS = timedelta(hours=12)  # services refuse more than 24 hours
_HALF = 32  # bytes of r and of s


class BadPushKey(Exception):
    """The push key file cannot be used."""


@dataclass(frozen=True)
class PushKey:
    """Signs for one origin at a time."""

    private: ec.EllipticCurvePrivateKey

    @property
    def public(self) -> str:
        """What a browser is given (applicationServerKey)."""
        point = self.private.public_key().public_bytes(
            serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
        )
        return _base64url(point)

    def authorization(self, origin: str, contact: str, now: datetime) -> str:
        """The header that shows one push service who we are, and whom to write to about trouble."""
        claims = {"aud": origin, "exp": int((now + _LASTS).timestamp()), "sub": contact}
        signed = ".".join(
            _base64url(json.dumps(part, separators=(",", ":")).encode())
            for part in ({"typ": "JWT", "alg": "ES256"}, claims)
        )
        r, s = decode_dss_signature(self.private.sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
        token = f"{signed}.{_base64url(r.to_bytes(_HALF, 'big') + s.to_bytes(_HALF, 'big'))}"
        return f"vapid t={token}, k={self.public}"


def load_push_key(path: Path) -> PushKey:
    """Read the key file, or make one with mode 0600 if there is none."""
    if not path.exists():
        fresh = ec.generate_private_key(ec.SECP256R1()).private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        write_once(path, fresh.decode())
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), None)
    except (ValueError, TypeError) as error:
        raise BadPushKey(f"{path}: not a push key; restore it, or remove it and let everybody turn on again") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise BadPushKey(f"{path}: a push key must be on the curve P-256")
    return PushKey(key)


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
