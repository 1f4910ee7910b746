"""Why an image cannot be read. One that is none is more often a wrong copy than broken: what it is gets told."""

from __future__ import annotations

KINDS = {
    b"heic": "HEIC", b"heix": "HEIC", b"mif1": "HEIC", b"avif": "AVIF", b"avis": "AVIF", b"qt  ": "video",
    b"isom": "video", b"iso2": "video", b"mp41": "video", b"mp42": "video",
}  # fmt: skip
"""What the boxes of such a file begin with."""
STARTS = {b"<!doctype html": "a web page", b"<html": "a web page", b"<svg": "an SVG drawing", b"<?xml": "XML",
          b"version https://git-lfs": "a pointer of Git LFS", b"%pdf": "a PDF", b"pk\3\4": "a zip archive"}  # fmt: skip
LOOKED_AT = 100


def guess(content: bytes) -> str:
    """Say what it may be, in a few words."""
    if not content:
        return "the file is empty"
    if content[4:8] == b"ftyp":
        return f"{KINDS.get(content[8:12], 'a video or a photo')} inside, no format that is read"
    head = content[:LOOKED_AT].lstrip().lower()
    found = next((kind for start, kind in STARTS.items() if head.startswith(start)), "")
    return f"{found} and no image" if found else "no image inside"


def explain(error: Exception) -> str:
    """Why an image cannot be read, in a few words."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return " ".join(str(error).split())[:100] or type(error).__name__
