"""`python -m harness.pretrained.names`: the pretrained weights that timm finds on the hub as timm/NAME.

Those few that it has from elsewhere are left out: `create_model` would not look for them in the cache that we fill.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import timm


def main() -> None:
    """Write names.json: timm's version, exact name -> licence, and architecture -> what it means without a tag."""
    parser = argparse.ArgumentParser(prog="python -m harness.pretrained.names", description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("/job/out"))
    folder = parser.parse_args().out
    known = {name: timm.get_pretrained_cfg(name) for name in timm.list_pretrained()}
    licences = {name: cfg.license or "" for name, cfg in known.items() if cfg and cfg.hf_hub_id == f"timm/{name}"}
    plain = {name.partition(".")[0] for name in licences}
    tagged = {name: f"{name}.{cfg.tag}" for name in plain if (cfg := timm.get_pretrained_cfg(name))}
    defaults = {name: full for name, full in tagged.items() if full in licences}
    names = {"timm": timm.__version__, "licences": licences, "defaults": defaults}
    (folder / "names.json").write_text(json.dumps(names), encoding="utf-8")


if __name__ == "__main__":
    main()
