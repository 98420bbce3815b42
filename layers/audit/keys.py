"""The Ed25519 key that signs checkpoints: a file outside the database, readable to its owner alone."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from layers.errors import LayerError


class SigningKeyUnreadable(LayerError):
    """The key's file holds no Ed25519 key, or may not be read."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"Không đọc được khóa ký nhật ký ở {path}; cần tệp PEM chứa khóa Ed25519, chỉ chủ sở hữu đọc được.",
            f"The audit trail's signing key at {path} cannot be read; a PEM file with an Ed25519 key is needed.",
        )


def load_key(path: Path) -> Ed25519PrivateKey | None:
    """The key in a file; None where there is no file.

    Raises:
        SigningKeyUnreadable: The file is something else.
    """
    try:
        key = load_pem_private_key(path.read_bytes(), None)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError) as error:
        raise SigningKeyUnreadable(path) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise SigningKeyUnreadable(path)
    return key


def load_or_make_key(path: Path) -> Ed25519PrivateKey:
    """The key in a file, which is made where there is none; of two makers at once one wins.

    Raises:
        SigningKeyUnreadable: The file is something else.
    """
    found = load_key(path)
    if found is not None:
        return found
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    write_key(draft, Ed25519PrivateKey.generate())
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    made = load_key(path)
    if made is None:
        raise SigningKeyUnreadable(path)
    return made


def write_key(path: Path, key: Ed25519PrivateKey) -> None:
    """Writes a key to a new file of mode 0600."""
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(pem)
        file.flush()
        os.fsync(file.fileno())


def public_bytes(key: Ed25519PrivateKey) -> bytes:
    """The 32 bytes of the public half (RFC 8032)."""
    return key.public_key().public_bytes_raw()


def key_id(public: bytes) -> str:
    """What people compare: the first 16 hexadecimal digits of the SHA-256 of the public key."""
    return hashlib.sha256(public).hexdigest()[:16]


def is_signed(public: bytes, signature: bytes, message: bytes) -> bool:
    """Whether the signature is this key's over this message."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True
