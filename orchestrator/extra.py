"""The extra `harness`, which the embedded sandbox needs: what is lacking of it here."""

from __future__ import annotations

from importlib import metadata

from packaging.requirements import Requirement


def lacking(extra: str = "harness", distribution: str = "automodel") -> list[str]:
    """Requirements of the extra that nothing installed here meets: an installation may be old, or was interrupted."""
    lines = (Requirement(line) for line in metadata.requires(distribution) or ())
    return [f"{line.name}{line.specifier}" for line in lines if _belongs(line, extra) and not _met(line)]


def _belongs(line: Requirement, extra: str) -> bool:
    return line.marker is not None and line.marker.evaluate({"extra": extra})


def _met(line: Requirement) -> bool:
    try:
        version = metadata.version(line.name)
    except (metadata.PackageNotFoundError, FileNotFoundError):
        return False
    return bool(version) and line.specifier.contains(version, prereleases=True)  # none: pip was stopped half-way
