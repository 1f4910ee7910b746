"""`python -m harness.prepare`: run by the host as a trusted job, with the source mounted read-only.

Exit status: 0 done; 1 the dataset cannot be written; 2 wrong arguments; 3 the source cannot become a dataset. A refusal
is one sentence, the last line of stderr and, in the report folder, `error.txt`.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from harness.prepare.dataset import Order, prepare
from harness.prepare.progress import Progress
from harness.sources import open_source
from harness.sources.source import UnusableDatasetError
from harness.sources.tables import Columns

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.sources.source import Source

CANNOT_WRITE = 1
UNUSABLE = 3


def main(arguments: Sequence[str] | None = None) -> int:
    """Prepare one dataset; return the exit status."""
    parser = _parser()
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    if any(options.out.iterdir()):
        parser.error(f"--out {options.out} is not empty")
    warnings.filterwarnings("ignore", module="PIL")  # of odd metadata; what cannot be decoded is refused
    scratch = options.out / "scratch"
    try:
        prepare(_source(options, scratch), options.out, _order(options), Progress(options.report_dir))
    except UnusableDatasetError as error:
        return _refuse(str(error), options.report_dir, UNUSABLE)
    except OSError as error:
        return _refuse(f"The dataset cannot be written: {error.strerror or error}.", options.report_dir, CANNOT_WRITE)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m harness.prepare", description=sys.modules[__name__].__doc__)
    add = parser.add_argument
    add("--source", required=True, help="a name (`digits`), or a folder or file in one of the forms of harness/sources")
    add("--reader", default="", help="name of a published dataset, whose files as they were published are in --source")
    add("--origin", default="", help="what the user calls the source, if it is mounted under another path")
    add("--name", required=True)
    add("--out", required=True, type=Path, help="empty or new folder")
    add("--seed", type=int, default=0)
    add("--max-side", type=_side, default=512, help="pixels; larger images are scaled down")
    add("--description", default="", help="instead of the source's own")
    add("--licence", default="", help="where the source says none")
    add("--file-column", default="", help="of a table of files and labels; found out by default")
    add("--label-column", default="", help="of the same")
    add("--group-column", default="", help="of the same: images with one value stay on one side of every split")
    add("--fingerprint", default="", help="written to dataset.json as it is")
    add("--report-dir", type=Path, default=Path("/job/out"), help="for events.jsonl and error.txt, if it is there")
    return parser


def _side(text: str) -> int:
    side = int(text)
    if side < 1:
        raise argparse.ArgumentTypeError("an image has at least one pixel")
    return side


def _source(options: argparse.Namespace, scratch: Path) -> Source:
    columns = Columns(file=options.file_column, label=options.label_column, group=options.group_column)
    source = open_source(options.source, columns, scratch, reader=options.reader, seed=options.seed)
    if columns.group and source.groups is None:
        raise UnusableDatasetError(
            f"DATASET_GROUP_COLUMN is {columns.group!r}, and no table or parquet file is here to have such a column: "
            "give one with files, labels and groups, or leave it away."
        )
    return source


def _order(options: argparse.Namespace) -> Order:
    return Order(
        name=options.name,
        source=options.origin or options.source,
        description=options.description,
        licence=options.licence,
        fingerprint=options.fingerprint,
        seed=options.seed,
        max_side=options.max_side,
    )


def _refuse(sentence: str, report_dir: Path, status: int) -> int:
    shown = "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in sentence)
    if report_dir.is_dir():
        (report_dir / "error.txt").write_text(f"{shown}\n", encoding="utf-8")
    print(shown, file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(main())
