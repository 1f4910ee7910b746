"""What is compressed and may be larger than memory, unpacked to a file that is mapped and goes with its last user."""

from __future__ import annotations

import errno
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO, TYPE_CHECKING

from harness.sources.archives import CHUNK, refuse_too_large
from harness.sources.source import UnusableDatasetError

if TYPE_CHECKING:
    from collections.abc import Iterator

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@contextmanager
def spooled(stream: IO[bytes], size: int, path: Path, scratch: Path | None) -> Iterator[Path]:
    """Copy `size` bytes, unpacked from `path`, to a file in `scratch`; None: where temporary files go.

    Its name is gone with the context, and it with the last that maps it.

    Raises:
        UnusableDatasetError: there is no room.
    """
    if scratch:
        scratch.mkdir(parents=True, exist_ok=True)
    with NamedTemporaryFile(dir=scratch) as file:
        refuse_too_large(path, size, Path(file.name).parent)
        try:
            for start in range(0, size, CHUNK):
                file.write(stream.read(min(CHUNK, size - start)))
            file.flush()
        except OSError as error:
            if error.errno not in FULL:
                raise
            raise UnusableDatasetError(
                f"There is no room to unpack {path.name!r} ({error.strerror}): make some where datasets are kept, or "
                "name another place in DATASETS_DIR."
            ) from None
        yield Path(file.name)
