"""What a file is, by its first bytes: what a platform or a person calls it is never believed."""

from __future__ import annotations

UNKNOWN = "application/octet-stream"  # kept, and offered as a download only

# (offset, bytes) that must all be there -> media type; the first that fits
_MAGIC: tuple[tuple[tuple[tuple[int, bytes], ...], str], ...] = (
    (((0, b"\xff\xd8\xff"),), "image/jpeg"),
    (((0, b"\x89PNG\r\n\x1a\n"),), "image/png"),
    (((0, b"GIF87a"),), "image/gif"),
    (((0, b"GIF89a"),), "image/gif"),
    (((0, b"RIFF"), (8, b"WEBP")), "image/webp"),
    (((0, b"RIFF"), (8, b"WAVE")), "audio/wav"),
    (((0, b"ID3"),), "audio/mpeg"),
    (((0, b"OggS"),), "audio/ogg"),
    (((0, b"#!AMR"),), "audio/amr"),
    (((0, b"#!SILK_V3"),), "audio/silk"),
    (((0, b"\x02#!SILK_V3"),), "audio/silk"),  # as WeChat writes it
    (((0, b"%PDF-"),), "application/pdf"),
)
_BRANDS = {  # of the ISO container: bytes 8 to 12 of a file that has `ftyp` at 4
    **dict.fromkeys((b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1"), "image/heic"),
    **dict.fromkeys((b"M4A ", b"M4B "), "audio/mp4"),
    **dict.fromkeys(
        (b"isom", b"iso2", b"iso4", b"iso5", b"iso6", b"mp41", b"mp42", b"avc1", b"M4V ", b"MSNV", b"dash"), "video/mp4"
    ),
    b"qt  ": "video/quicktime",
}


def media_type_of(body: bytes) -> str:
    """The media type, where we know it."""
    for marks, media_type in _MAGIC:
        if all(body.startswith(mark, offset) for offset, mark in marks):
            return media_type
    if body[4:8] == b"ftyp":
        return _BRANDS.get(body[8:12], UNKNOWN)
    if body.startswith(b"\x1a\x45\xdf\xa3"):  # Matroska's container; only its WebM kind is played by browsers
        return "video/webm" if b"webm" in body[:64] else UNKNOWN
    return _framed(body)


def _framed(body: bytes) -> str:
    """MP3 and AAC streams begin with a frame: eleven or twelve set bits, then the layer."""
    if len(body) < 4 or body[0] != 0xFF:
        return UNKNOWN
    if body[1] & 0xF6 == 0xF0:
        return "audio/aac"
    is_layer_3 = body[1] & 0xE6 == 0xE2
    has_rates = body[2] & 0xF0 not in (0x00, 0xF0) and body[2] & 0x0C != 0x0C
    return "audio/mpeg" if is_layer_3 and has_rates else UNKNOWN
