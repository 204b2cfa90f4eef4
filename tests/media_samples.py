"""Small files as people send them: those that browsers show are real, the others have the right first bytes."""

from __future__ import annotations

import io
import math
import struct
import wave
import zlib


def picture(width: int = 480, height: int = 320) -> bytes:
    """A PNG of an evening sky over hills."""
    rows = []
    for y in range(height):
        row = bytearray(b"\0")
        for x in range(width):
            hill = height * 0.62 + 28 * math.sin(x / 55) + 12 * math.sin(x / 17)
            sky = (225 - y // 3, 150 + y // 5, 120 + y // 3)
            row += bytes((38, 70, 62) if y > hill else sky)
        rows.append(bytes(row))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        _chunk(name, body)
        for name, body in (
            (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)),
            (b"IDAT", zlib.compress(b"".join(rows))),
            (b"IEND", b""),
        )
    )


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def voice(seconds: float = 2.0) -> bytes:
    """A WAV of a soft tone."""
    rate, out = 8000, io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        tone = (int(6000 * math.sin(n * 2 * math.pi * 220 / rate)) for n in range(int(rate * seconds)))
        file.writeframes(b"".join(struct.pack("<h", value) for value in tone))
    return out.getvalue()


def boxed(brand: bytes) -> bytes:
    """An ISO container (MP4, MOV, HEIC) of this brand."""
    return b"\x00\x00\x00\x18ftyp" + brand + b"\x00\x00\x02\x00" + brand + b"mp41" + bytes(40)


HTML = b"<!doctype html><script>alert(document.cookie)</script>"
SAMPLES: dict[str, bytes] = {
    "jpeg": b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01" + bytes(40),
    "png": picture(8, 8),
    "gif": b"GIF89a" + bytes(40),
    "webp": b"RIFF\x24\x00\x00\x00WEBPVP8 " + bytes(40),
    "heic": boxed(b"heic"),
    "mp3 with tags": b"ID3\x04\x00" + bytes(40),
    "mp3": b"\xff\xfb\x90\x64" + bytes(40),
    "mp3 of 24 kHz": b"\xff\xf3\x84\xc4" + bytes(40),
    "m4a": boxed(b"M4A "),
    "aac": b"\xff\xf1\x50\x80" + bytes(40),
    "amr": b"#!AMR\n" + bytes(40),
    "amr wide": b"#!AMR-WB\n" + bytes(40),
    "opus": b"OggS\x00\x02" + bytes(22) + b"OpusHead" + bytes(40),
    "wav": voice(0.1),
    "silk": b"#!SILK_V3" + bytes(40),
    "wechat silk": b"\x02#!SILK_V3" + bytes(40),
    "mp4": boxed(b"isom"),
    "mov": boxed(b"qt  "),
    "webm": b"\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01\x42\xf7\x81\x01\x42\xf2\x81\x04\x42\xf3\x81\x08\x42\x82\x84webm",
    "pdf": b"%PDF-1.7\n" + bytes(40),
}
