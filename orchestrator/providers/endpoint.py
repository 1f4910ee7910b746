"""Where a provider is reached, with what key, and how long one reply may take."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import urlsplit

SHORTEST_SECRET = 8
"""Characters; servers that need no key are given ones such as "none", which are words of any sentence."""


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """A server and the key for it."""

    provider: str
    """As in LLM_PROVIDER: the start of the names of its variables."""
    key: str = field(repr=False)
    base_url: str = field(repr=False)
    """May hold a password: only `host` is ever shown."""
    timeout: float
    """Seconds."""

    @property
    def host(self) -> str:
        return urlsplit(self.base_url).netloc.rpartition("@")[2]

    @property
    def key_variable(self) -> str:
        return f"{self.provider.upper()}_API_KEY"

    @property
    def url_variable(self) -> str:
        return f"{self.provider.upper()}_BASE_URL"

    def redact(self, text: str) -> str:
        """Leave the key out of what a server says: some quote it."""
        return text.replace(self.key, "[key]") if len(self.key) >= SHORTEST_SECRET else text
