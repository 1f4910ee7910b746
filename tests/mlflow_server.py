"""As much of an MLflow tracking server as its client needs here, on loopback; it can begin to refuse in the middle."""

from __future__ import annotations

import json
import re
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator

TOKEN = "a-token-that-is-never-to-be-seen"  # noqa: S105 - it opens nothing


@dataclass
class TrackingServer:
    """What it was sent, and when it stops."""

    breaks_at: int
    """The request, counted from 1, from which on it answers none as it should."""
    artifacts: str
    url: str = ""
    runs: dict[str, dict[str, Any]] = field(default_factory=dict)
    paths: list[str] = field(default_factory=list)
    tokens: set[str] = field(default_factory=set)


class Handler(BaseHTTPRequestHandler):
    """HTTP/1.0: no connection outlives its reply."""

    server_state: TrackingServer

    def do_GET(self) -> None:
        self._answer({})

    def do_POST(self) -> None:
        self._answer(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

    def log_message(self, *_args: object) -> None:
        """Say nothing on stderr."""

    def _answer(self, body: dict[str, Any]) -> None:
        state = self.server_state
        path = urlsplit(self.path).path.rpartition("/mlflow/")[2]
        state.paths.append(path)
        state.tokens.add(self.headers.get("Authorization", ""))
        if len(state.paths) >= state.breaks_at:
            quoted = self.headers.get("Authorization", "")
            self._reply(401, {"error_code": "UNAUTHENTICATED", "message": f"{quoted} is not welcome any more"})
            return
        self._reply(200, self._known(path, body))

    def _known(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        runs = self.server_state.runs
        match path:
            case "experiments/get-by-name":
                return {"experiment": {"experiment_id": "1", "name": "automodel", "lifecycle_stage": "active"}}
            case "runs/create":
                name = f"run{len(runs)}"
                info = {"run_id": name, "run_uuid": name, "experiment_id": "1", "status": "RUNNING"}
                info |= {"artifact_uri": f"{self.server_state.artifacts}/{name}", "lifecycle_stage": "active"}
                runs[name] = {"info": info, "data": {"tags": body.get("tags", []), "metrics": []}}
                return {"run": runs[name]}
            case "runs/search":
                [mark] = re.findall("'(.*)'", body["filter"])
                return {"runs": [run for run in runs.values() if mark in {tag["value"] for tag in run["data"]["tags"]}]}
            case "runs/log-batch":
                runs[body["run_id"]]["data"]["metrics"] += body.get("metrics", [])
            case "runs/update":
                runs[body["run_id"]]["info"] |= {"status": body["status"]}
                return {"run_info": runs[body["run_id"]]["info"]}
            case "runs/get":
                return {"run": runs[self.path.rpartition("run_id=")[2]]}
        return {}

    def _reply(self, status: int, body: dict[str, Any]) -> None:
        told = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(told)))
        self.end_headers()
        self.wfile.write(told)


@contextmanager
def serve_tracking(artifacts: str, breaks_at: int = 10**9) -> Iterator[TrackingServer]:
    """Serve, and from a request on refuse."""
    state = TrackingServer(breaks_at=breaks_at, artifacts=artifacts)
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Handler,), {"server_state": state}))
    state.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
