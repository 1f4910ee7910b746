"""A file comes down whole, with its checksum, whatever servers and connections do; and secrets go nowhere."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import resource
import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from orchestrator.downloads import Downloader
from orchestrator.errors import AutoModelError, DatasetError
from orchestrator.remote_files import RemoteFile
from orchestrator.transfer import Place
from tests.file_server import (
    all_of_it,
    another,
    drop_after,
    endless_end,
    for_login,
    good,
    promise,
    redirect,
    refuse,
    reset,
    serve,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from harness.report import Event

CONTENT = bytes(range(256)) * 4000
MD5 = f"md5:{hashlib.md5(CONTENT, usedforsecurity=False).hexdigest()}"
SHA256 = f"sha256:{hashlib.sha256(CONTENT).hexdigest()}"
NAME = "data.bin"


def get(folder: Path, *urls: str | Place, checksum: str = SHA256, **more: Any) -> bytes:
    """Fetch the file without ever waiting."""
    places = [url if isinstance(url, Place) else Place(url=f"{url}/{NAME}") for url in urls]
    options: dict[str, Any] = {"on_event": lambda _: None, "sleep": lambda _: None, **more}
    file = RemoteFile(name=NAME, urls=(), checksum=checksum)
    return Downloader(**options).fetch(file, folder, places, "do this.").read_bytes()


def left_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} - {".lock"}


@pytest.mark.parametrize("checksum", [MD5, SHA256, ""])
def test_a_file_comes_down_and_is_not_fetched_again(tmp_path: Path, checksum: str) -> None:
    with serve({NAME: CONTENT}) as server:
        first, second = (get(tmp_path / "new", server.url, checksum=checksum) for _ in range(2))

    assert first == second == CONTENT
    assert len(server.asked) == 1
    assert left_in(tmp_path / "new") - {"checksums.json"} == {NAME}


def test_what_was_dropped_goes_on_where_it_stopped(tmp_path: Path) -> None:
    with serve({NAME: CONTENT}, drop_after(300_000), drop_after(300_000)) as server:
        assert get(tmp_path, server.url) == CONTENT

    assert [headers.get("range") for _, headers in server.asked] == [None, "bytes=300000-", "bytes=600000-"]
    assert server.asked[1][1]["if-range"] == f'"{hashlib.sha256(CONTENT).hexdigest()[:16]}"'


def test_a_killed_download_goes_on_where_it_stopped(tmp_path: Path) -> None:
    (tmp_path / f"{NAME}.part").write_bytes(CONTENT[:1000])

    with serve({NAME: CONTENT}) as server:
        assert get(tmp_path, server.url) == CONTENT

    assert server.asked[0][1]["range"] == "bytes=1000-"


def test_a_download_that_was_killed_at_its_last_byte_needs_no_more(tmp_path: Path) -> None:
    (tmp_path / f"{NAME}.part").write_bytes(CONTENT)

    with serve({NAME: CONTENT}) as server:
        assert get(tmp_path, server.url) == CONTENT

    assert len(server.asked) == 1


def test_a_server_that_ignores_ranges_starts_over(tmp_path: Path) -> None:
    with serve({NAME: CONTENT}, drop_after(300_000), all_of_it) as server:
        assert get(tmp_path, server.url) == CONTENT


@pytest.mark.parametrize("checksum", [SHA256, ""])
def test_two_versions_of_a_file_are_never_pieced_together(tmp_path: Path, checksum: str) -> None:
    with serve({NAME: b"x" * 500_000}, drop_after(300_000), reset, reset, reset, reset, reset) as server:
        with pytest.raises(DatasetError):
            get(tmp_path, server.url, checksum=checksum)
        server.script.clear()
        server.files[f"/{NAME}"] = CONTENT
        assert get(tmp_path, server.url, checksum=checksum) == CONTENT


def test_without_checksum_and_version_nothing_is_pieced_together(tmp_path: Path) -> None:
    with serve({NAME: CONTENT}, drop_after(300_000, tag=False)) as server:
        assert get(tmp_path, server.url, checksum="") == CONTENT

    assert [headers.get("range") for _, headers in server.asked] == [None, None]


def test_a_piece_that_was_not_asked_for_is_not_used(tmp_path: Path) -> None:
    (tmp_path / f"{NAME}.part").write_bytes(CONTENT[:1000])

    def elsewhere(handler: Any) -> None:
        handler.begin(206, {"Content-Range": f"bytes 0-{len(CONTENT) - 1}/{len(CONTENT)}"})
        handler.wfile.write(CONTENT)

    with serve({NAME: CONTENT}, elsewhere) as server:
        assert get(tmp_path, server.url) == CONTENT


@pytest.mark.parametrize("act", [refuse(503), refuse(429), refuse(500), reset, drop_after(0)])
def test_what_passes_is_tried_again(tmp_path: Path, act: Callable[[Any], None]) -> None:
    with serve({NAME: CONTENT}, act, act) as server:
        assert get(tmp_path, server.url) == CONTENT

    assert len(server.asked) == 3


def test_the_pause_is_as_long_as_the_server_asks_for(tmp_path: Path) -> None:
    pauses: list[float] = []

    with serve({NAME: CONTENT}, refuse(429, Retry_After="7"), refuse(503), refuse(503)) as server:
        get(tmp_path, server.url, sleep=pauses.append)

    assert pauses[0] == 7
    assert pauses[1] < pauses[2]


def test_a_server_that_asks_for_hours_is_given_up(tmp_path: Path) -> None:
    with (
        serve({NAME: CONTENT}, refuse(429, Retry_After="7200")) as server,
        pytest.raises(DatasetError, match=r"127\.0\.0\.1 is busy \(429\)"),
    ):
        get(tmp_path, server.url)


def test_a_long_download_may_be_dropped_as_often_as_it_likes_if_each_try_brings_something(tmp_path: Path) -> None:
    with serve({NAME: CONTENT}, *[drop_after(50_000)] * 20) as server:
        assert get(tmp_path, server.url) == CONTENT

    assert len(server.asked) == 21


def test_one_that_brings_nothing_is_given_up(tmp_path: Path) -> None:
    with (
        serve({NAME: CONTENT}, *[drop_after(0)] * 50) as server,
        pytest.raises(DatasetError, match=r"^data\.bin cannot be downloaded \(127\.0\.0\.1 broke .* off\): do this\.$"),
    ):
        get(tmp_path, server.url)

    assert len(server.asked) == 5


def test_progress_is_told(tmp_path: Path) -> None:
    told: list[Event] = []

    with serve({NAME: CONTENT * 4}, drop_after(2_500_000)) as server:
        get(tmp_path, server.url, checksum="", on_event=told.append)

    texts = [event.text for event in told]
    assert "downloading data.bin: 2 of 4 MB" in texts
    assert "127.0.0.1 broke the connection off; trying again in 1 s" in texts
    assert texts[-1] == "checking data.bin"


@pytest.mark.parametrize("act", [another(b"not it"), endless_end], ids=["corrupted", "truncated"])
def test_what_is_not_the_file_is_removed(tmp_path: Path, act: Callable[[Any], None]) -> None:
    with (
        serve({NAME: CONTENT}, act) as server,
        pytest.raises(DatasetError, match=r"sent has another checksum than the published one and was removed\): do"),
    ):
        get(tmp_path, server.url)

    assert left_in(tmp_path) == set()


def test_a_broken_mirror_is_followed_by_the_next(tmp_path: Path) -> None:
    with serve({}) as empty, serve({NAME: b"other"}) as wrong, serve({NAME: CONTENT}) as right:
        assert get(tmp_path, empty.url, wrong.url, right.url) == CONTENT


def test_what_one_mirror_began_another_ends(tmp_path: Path) -> None:
    with (
        serve({NAME: CONTENT}, drop_after(300_000, tag=False), *[reset] * 5) as first,
        serve({NAME: CONTENT}) as second,
    ):
        assert get(tmp_path, first.url, second.url) == CONTENT

    assert second.asked[0][1]["range"] == "bytes=300000-"


@pytest.mark.parametrize(
    ("status", "says"),
    [
        (404, r"127\.0\.0\.1 does not have it \(404\)"),
        (403, r"127\.0\.0\.1 refuses it \(403\)"),
        (401, r"127\.0\.0\.1 wants another login \(401\)"),
        (418, r"127\.0\.0\.1 does not give it \(418\)"),
    ],
)
def test_a_refusal_is_one_sentence_and_not_tried_again(tmp_path: Path, status: int, says: str) -> None:
    with (
        serve({}, refuse(status)) as server,
        pytest.raises(DatasetError, match=rf"^data\.bin cannot be downloaded \({says}\): do this\.$"),
    ):
        get(tmp_path, server.url)

    assert len(server.asked) == 1


def test_a_place_says_what_to_do_about_its_refusal(tmp_path: Path) -> None:
    with serve({}, refuse(403)) as server, pytest.raises(DatasetError, match=r"\(403\)\): accept the rules\.$"):
        get(tmp_path, Place(url=f"{server.url}/{NAME}", advice={403: "accept the rules."}))


def test_a_dead_server_is_one_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        dead = f"http://127.0.0.1:{taken.getsockname()[1]}"

    with pytest.raises(DatasetError, match=r"\(127\.0\.0\.1 cannot be reached\): do this\.$"):
        get(tmp_path, dead)


def test_a_login_page_is_no_file(tmp_path: Path) -> None:
    page = another(b"<html>", **{"Content-Type": "text/html; charset=utf-8"})

    with serve({}, page) as server, pytest.raises(DatasetError, match="answers with a web page instead"):
        get(tmp_path, server.url, checksum="")

    assert left_in(tmp_path) == set()


def test_redirects_are_followed_but_do_not_turn_round_for_ever(tmp_path: Path) -> None:
    with serve({NAME: CONTENT}) as server:
        server.script += [redirect(f"{server.url}/{NAME}")]
        assert get(tmp_path, server.url) == CONTENT
        server.script += [redirect(f"{server.url}/{NAME}")] * 50
        with pytest.raises(DatasetError, match="leads nowhere"):
            get(tmp_path / "other", server.url)


def test_a_login_is_for_the_place_that_it_is_for_and_no_other(tmp_path: Path) -> None:
    with serve({NAME: CONTENT}) as storage, serve({}) as site, serve({}) as mirror:
        site.script += [for_login("me", "secret-word", redirect(f"{storage.url}/{NAME}"))]
        place = Place(url=f"{site.url}/{NAME}", login=("me", "secret-word"))
        assert get(tmp_path, mirror.url, place) == CONTENT

    assert "authorization" in site.asked[0][1]
    assert [headers.get("authorization") for _, headers in storage.asked + mirror.asked] == [None, None]


def test_a_password_in_an_address_opens_it_and_is_never_shown(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    told: list[Event] = []
    caplog.set_level("DEBUG")  # of the HTTP client, too
    with serve({NAME: CONTENT}, for_login("me", "secret-word", good), *[refuse(503)] * 9) as server:
        url = server.url.replace("//", "//me:secret-word@")
        assert get(tmp_path, url) == CONTENT
        with pytest.raises(DatasetError) as caught:
            get(tmp_path / "other", url, on_event=told.append)

    place = Place(url=url, login=("me", "secret-word"))
    assert "127.0.0.1" in caplog.text
    assert "secret-word" not in f"{caught.value} {caught.value.__cause__} {told} {place} {caplog.text}"


def test_where_no_checksum_is_published_the_first_one_is_held_to(tmp_path: Path) -> None:
    with serve({NAME: CONTENT}) as server:
        get(tmp_path, server.url, checksum="")
        assert json.loads((tmp_path / "checksums.json").read_bytes()) == {NAME: SHA256}
        (tmp_path / NAME).unlink()
        server.files[f"/{NAME}"] = b"another version"
        with pytest.raises(DatasetError, match=r"another checksum than at first use \(in checksums\.json\) and was"):
            get(tmp_path, server.url, checksum="")

    assert left_in(tmp_path) == {"checksums.json"}


def test_a_file_put_there_by_hand_is_used_and_checked_but_never_removed(tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(CONTENT)
    assert get(tmp_path) == CONTENT

    (tmp_path / NAME).write_bytes(b"other")
    with pytest.raises(DatasetError, match=rf"^{tmp_path}/{NAME} has another checksum than the published one: remove"):
        get(tmp_path)

    assert (tmp_path / NAME).read_bytes() == b"other"


def test_damaged_records_are_named(tmp_path: Path) -> None:
    (tmp_path / "checksums.json").write_text("{")
    (tmp_path / NAME).write_bytes(CONTENT)

    with pytest.raises(DatasetError, match=rf"^{tmp_path}/checksums\.json is damaged"):
        get(tmp_path, checksum="")


def test_a_file_that_is_larger_than_the_disk_is_refused_at_its_first_byte(tmp_path: Path) -> None:
    with (
        serve({}, promise(10**18)) as server,
        pytest.raises(AutoModelError, match=r"needs .* are free in .*: make room"),
    ):
        get(tmp_path, server.url)


@contextmanager
def small_files(size: int) -> Iterator[None]:
    """No file may grow beyond this."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_what_was_written_before_the_disk_was_full_is_kept(tmp_path: Path) -> None:
    with serve({NAME: CONTENT}) as server:
        with small_files(200_000), pytest.raises(AutoModelError, match=r"cannot be written to .* make room") as caught:
            get(tmp_path, server.url)
        assert get(tmp_path, server.url) == CONTENT

    assert caught.value.status == 1
    assert server.asked[1][1]["range"] == "bytes=200000-"


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")

    with pytest.raises(AutoModelError, match=r"cannot be written to .*/file/downloads \(Not a directory\)"):
        get(tmp_path / "file" / "downloads")


def fetch_at(folder: Path, url: str) -> None:
    """Run in another process."""
    get(folder, url)


def test_two_processes_fetch_a_file_once(tmp_path: Path) -> None:
    with serve({NAME: CONTENT}, drop_after(300_000)) as server:
        processes = [
            multiprocessing.get_context("spawn").Process(target=fetch_at, args=(tmp_path, server.url)) for _ in range(3)
        ]
        for process in processes:
            process.start()
        for process in processes:
            process.join()

    assert [process.exitcode for process in processes] == [0, 0, 0]
    assert (tmp_path / NAME).read_bytes() == CONTENT
    assert len(server.asked) == 2
