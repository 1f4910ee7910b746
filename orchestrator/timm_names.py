"""Which pretrained weights there are for the timm of the sandbox: it is asked once, and its answer kept."""

from __future__ import annotations

import difflib
import fnmatch
import json
import re
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from orchestrator.custody import sandbox_identity
from orchestrator.errors import AutoModelError
from orchestrator.growing import growing_folder
from orchestrator.weights import open_folder
from sandbox.base import Job, Limits, run_job

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox.base import Sandbox

ANSWER = "names.json"
CACHE = "timm.json"
"""In the folder of weights."""
BYTES = 2 << 20
MOST = 20_000
NAME = re.compile(r"[a-z0-9_]{1,100}\.[a-z0-9_]{1,100}")
"""Architecture and tag: what may become part of an address and of a path."""
SECONDS = 300.0
PREFIXES = re.compile(r"^(hf[-_]hub:)?(timm/)?")
"""Of other ways to say the same name."""


@dataclass(frozen=True, kw_only=True)
class TimmNames:
    """The pretrained weights that one version of timm knows to load from the cache."""

    timm: str
    """Its version."""
    licences: dict[str, str]
    """Exact name -> licence, as timm has it; an empty text where it says none."""
    defaults: dict[str, str]
    """Architecture -> the exact name that timm takes where no tag is given."""

    def exact(self, name: str) -> str | None:
        """The exact name, or None where this is none that timm knows."""
        plain = PREFIXES.sub("", name)
        return plain if plain in self.licences else self.defaults.get(plain)

    def need(self, name: str) -> str:
        """The exact name.

        Raises:
            AutoModelError: this is none that timm knows.
        """
        if found := self.exact(name):
            return found
        near = difflib.get_close_matches(PREFIXES.sub("", name), self.licences, n=3)
        shown = f"; did you mean {' or '.join(near)}?" if near else ": `automodel weights list --all` names them."
        raise AutoModelError(
            f"{name[:100]!r} is none of the {len(self.licences)} pretrained models that timm {self.timm} has on the "
            f"hub{shown}"
        )

    def matching(self, pattern: str) -> list[str]:
        """Exact names with this in them, or like this pattern, in order."""
        wanted = pattern if set(pattern) & set("*?[") else f"*{pattern}*"
        return sorted(fnmatch.filter(self.licences, wanted))


def timm_names(sandbox: Sandbox, folder: Path) -> TimmNames:
    """What the timm of this sandbox knows; `folder`: where the answer is kept for the next time.

    Raises:
        AutoModelError: it gave no answer.
        SandboxError: the sandbox failed.
    """
    sandbox_is, cache = sandbox_identity(sandbox.describe()), folder / CACHE
    try:
        content = cache.read_bytes()
        if json.loads(content)["sandbox"] == sandbox_is:
            return _parse(content)
    except (OSError, ValueError, TypeError, KeyError):
        pass  # none is kept, or none that this version reads
    names = _ask(sandbox, folder)
    part = cache.with_suffix(".part")
    part.write_text(json.dumps({"sandbox": sandbox_is, **asdict(names)}), encoding="utf-8")
    part.replace(cache)
    return names


def _ask(sandbox: Sandbox, folder: Path) -> TimmNames:
    with growing_folder(open_folder(folder)) as place:
        for part in (place / "input", place / "output"):
            part.mkdir()
            part.chmod(0o755)
        job = Job(
            name="names",
            arguments=("-m", "harness.pretrained.names"),
            input=place / "input",
            output=place / "output",
            limits=Limits(seconds=SECONDS),
            wanted={ANSWER: BYTES},
        )
        ended = run_job(sandbox, job)
        try:
            return _parse(ended.files[ANSWER].read_bytes())
        except (KeyError, ValueError, OSError):
            last = ended.log.strip().rpartition("\n")[2][:300] or f"{ended.verdict}, status {ended.status}"
            raise AutoModelError(f"The sandbox could not say which pretrained models its timm knows: {last}.") from None


def _parse(raw: bytes) -> TimmNames:
    """Read an answer.

    Raises:
        ValueError: it is none.
    """
    from pydantic import TypeAdapter

    names = TypeAdapter(TimmNames).validate_json(raw, strict=True)
    odd = [name for name in (*names.licences, *names.defaults.values()) if not NAME.fullmatch(name)]
    if odd or not 0 < len(names.licences) + len(names.defaults) <= MOST or len(names.timm) > 40:
        raise ValueError("no list of names")
    return names
