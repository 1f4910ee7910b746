"""A name is enough: its files come down once, are prepared once, and what stands in the way is one sentence."""

from __future__ import annotations

import io
import json
import os
import pickle
import re
import subprocess
import sys
import tarfile
from contextlib import chdir, closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from rich.console import Console

from orchestrator.checksums import checksum
from orchestrator.dataset_list import dataset_table
from orchestrator.dataset_notes import dataset_notes
from orchestrator.errors import DatasetError, SettingsError
from orchestrator.named_datasets import NAMED, NamedDataset
from orchestrator.named_files import fetch_files, kaggle_login, mirrors
from orchestrator.origin import find_origin
from orchestrator.prepare import check_dataset, open_dataset
from orchestrator.remote_files import Download, RemoteFile
from orchestrator.settings import Settings, read_settings
from tests.bench.named import unchecked
from tests.fakes import ScriptedJob, ScriptedSandbox, make_dataset
from tests.file_server import for_login, redirect, refuse, serve
from tests.sandboxes import open_real
from tests.test_named_sources import PREPARED

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox.bubblewrap import BubblewrapSandbox

CHECKSUM = re.compile(r"md5:[0-9a-f]{32}|sha256:[0-9a-f]{64}")


def made_up(*files: RemoteFile, name: str = "pets", reader: str = "", competition: str = "") -> NamedDataset:
    """A named dataset of one download."""
    download = Download(key="animals", files=files, megabytes=None, competition=competition)
    return NamedDataset(
        name=name, title="Pets", images=3, classes=2, licence="none", downloads=(download,), reader=reader
    )


def knobs(folder: Path, mirror: str = "", **more: str) -> Settings:
    return read_settings(
        {"dataset": "pets", "datasets_dir": str(folder / "datasets"), "datasets_mirror": mirror, **more}
    )


def scripted() -> ScriptedSandbox:
    return ScriptedSandbox({"prepare": [ScriptedJob(fill=make_dataset) for _ in range(3)]})


def unpatiently(dataset: NamedDataset, settings: Settings) -> tuple[Path, ...]:
    return fetch_files(dataset, settings, sleep=lambda _: None)


FILE = RemoteFile(name="pets.zip", urls=())
"""To be had from the user's mirror alone."""


def test_every_dataset_of_the_list_can_be_had() -> None:
    for name, dataset in NAMED.items():
        assert name == dataset.name
        assert dataset.images > dataset.classes > 1
        assert dataset.reader in {"", name}
        for file in (file for download in dataset.downloads for file in download.files):
            assert file.urls
            assert all(url.startswith(("http://", "https://")) for url in file.urls)
            assert not file.checksum or CHECKSUM.fullmatch(file.checksum)


def test_what_is_not_on_kaggle_has_a_published_checksum() -> None:
    files = {
        file.name: bool(file.checksum)
        for dataset in NAMED.values()
        for download in dataset.downloads
        for file in download.files
        if not download.competition
    }

    assert all(files.values())
    assert len(files) == 6


def test_files_of_one_name_are_the_same_wherever_they_are_shared() -> None:
    downloads = {download for dataset in NAMED.values() for download in dataset.downloads}

    assert len({download.key for download in downloads}) == len(downloads)


def test_a_name_goes_before_a_folder_of_that_name_and_a_path_can_be_meant(tmp_path: Path) -> None:
    (tmp_path / "svhn").mkdir()

    with chdir(tmp_path):
        assert find_origin("svhn").named is NAMED["svhn"]
        assert find_origin("./svhn").place == tmp_path / "svhn"


@pytest.mark.parametrize(("typed", "meant"), [("ciphar10", "cifar10"), ("SVHN", "svhn"), ("casava", "cassava")])
def test_a_misspelt_name_is_answered_with_the_nearest(typed: str, meant: str) -> None:
    with pytest.raises(
        DatasetError, match=rf"^{typed} is .* \(did you mean {meant}\? `automodel datasets` lists them\)"
    ):
        find_origin(typed)


def test_a_name_is_fetched_and_prepared_once(tmp_path: Path) -> None:
    sandbox = scripted()
    with serve({"animals/pets.zip": b"zipped"}) as server:
        first, second = (
            open_dataset(knobs(tmp_path, server.url), sandbox, named={"pets": made_up(FILE)}) for _ in range(2)
        )

    assert first.folder == second.folder
    assert len(server.asked) == len(sandbox.started) == 1
    assert (tmp_path / "datasets/downloads/animals/pets.zip").read_bytes() == b"zipped"


def test_a_download_that_was_removed_or_fetched_again_does_not_prepare_again(tmp_path: Path) -> None:
    sandbox, named = scripted(), {"pets": made_up(FILE)}
    with serve({"animals/pets.zip": b"zipped"}) as server:
        open_dataset(knobs(tmp_path, server.url), sandbox, named=named)
        (tmp_path / "datasets/downloads/animals/pets.zip").unlink()
        open_dataset(knobs(tmp_path, server.url), sandbox, named=named)
        assert len(server.asked) == 1
        unpatiently(named["pets"], knobs(tmp_path, server.url))
        open_dataset(knobs(tmp_path, server.url), sandbox, named=named)

    assert len(sandbox.started) == 1


def test_another_version_is_another_dataset(tmp_path: Path) -> None:
    sandbox = scripted()
    folder = tmp_path / "datasets/downloads/animals"
    folder.mkdir(parents=True)
    folders = set()
    for content in (b"one", b"two"):
        (folder / "pets.zip").write_bytes(content)
        known = replace(FILE, checksum=checksum(folder / "pets.zip", "md5"))
        folders.add(open_dataset(knobs(tmp_path), sandbox, named={"pets": made_up(known)}).folder)

    assert len(folders) == 2


def test_datasets_of_the_same_files_share_them(tmp_path: Path) -> None:
    named = {name: made_up(FILE, name=name) for name in ("pets", "pets-few")}
    with serve({"animals/pets.zip": b"zipped"}) as server:
        folders = {open_dataset(knobs(tmp_path, server.url, dataset=name), scripted(), named=named) for name in named}

    assert len(folders) == 2
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("files", "reader", "source"),
    [(("a.tar.gz",), "", "/source/a.tar.gz"), (("a.mat", "b.mat"), "", "/source"), (("a.zip",), "pets", "/source")],
)
def test_the_sandbox_sees_the_files_and_nothing_else(
    tmp_path: Path, files: tuple[str, ...], reader: str, source: str
) -> None:
    folder, sandbox = tmp_path / "datasets/downloads/animals", scripted()
    folder.mkdir(parents=True)
    for name in (*files, "of another dataset"):
        (folder / name).write_bytes(b"")

    dataset = made_up(*(RemoteFile(name=name, urls=()) for name in files), reader=reader)
    open_dataset(knobs(tmp_path), sandbox, named={"pets": dataset})

    [job] = sandbox.started
    assert [(mount.target, mount.writable) for mount in job.mounts[1:]] == [
        (f"/source/{name}", False) for name in files
    ]
    assert f"--source={source}" in job.arguments
    assert [word for word in job.arguments if "--reader" in word] == ([f"--reader={reader}"] if reader else [])


def test_files_of_several_downloads_lie_side_by_side_for_the_reader(tmp_path: Path) -> None:
    sandbox = scripted()
    clean, spoilt = (
        Download(key=key, files=(RemoteFile(name=f"{key}.tar", urls=()),), megabytes=1) for key in ("clean", "spoilt")
    )
    with serve({"clean/clean.tar": b"1", "spoilt/spoilt.tar": b"2"}) as server:
        named = {"pets": replace(made_up(reader="pets"), downloads=(clean, spoilt))}
        open_dataset(knobs(tmp_path, server.url), sandbox, named=named)

    assert [mount.target for mount in sandbox.started[0].mounts[1:]] == ["/source/clean.tar", "/source/spoilt.tar"]


def test_several_mirrors_are_asked_in_turn_and_then_the_published_place(tmp_path: Path) -> None:
    with serve({}) as first, serve({}) as second, serve({"pets.zip": b"zipped"}) as published:
        file = replace(FILE, urls=(f"{published.url}/pets.zip",))
        unpatiently(made_up(file), knobs(tmp_path, f"{first.url}/, {second.url}"))

    assert [server.asked[0][0] for server in (first, second)] == ["/animals/pets.zip"] * 2
    assert published.asked[0][0] == "/pets.zip"


@pytest.mark.parametrize("mirror", ["mirror.example", "ftp://me:hush@host", "http://", "http://me:hush@", "a,http://b"])
def test_a_mirror_that_is_no_address_is_refused_without_being_shown(mirror: str) -> None:
    with pytest.raises(SettingsError, match=r"^DATASETS_MIRROR has to begin with http") as caught:
        mirrors(read_settings({"datasets_mirror": mirror}))

    assert "hush" not in str(caught.value)


def kaggle(url: str = "http://127.0.0.1:9") -> NamedDataset:
    return made_up(replace(FILE, urls=(f"{url}/pets.zip",)), competition="pet-contest")


LOGIN = {"kaggle_username": "me", "kaggle_key": "hush-hush-1"}


def test_a_competition_comes_down_with_the_users_login_which_storage_and_mirrors_do_not_see(tmp_path: Path) -> None:
    with serve({"pets.zip": b"zipped"}) as storage, serve({}) as site, serve({}) as mirror:
        site.script += [for_login("me", "hush-hush-1", redirect(f"{storage.url}/pets.zip"))]
        [path] = unpatiently(kaggle(site.url), knobs(tmp_path, mirror.url, **LOGIN))

    assert path.read_bytes() == b"zipped"
    assert {headers.get("authorization") for _, headers in storage.asked + mirror.asked} == {None}


@pytest.mark.parametrize(
    ("status", "says"),
    [
        (401, r"check KAGGLE_USERNAME and KAGGLE_KEY"),
        (
            403,
            r"accept the rules at https://www\.kaggle\.com/competitions/pet-contest/rules with the account of the key",
        ),
        (404, r"put pets\.zip into /.*/datasets/downloads/animals by hand\.$"),
    ],
)
def test_what_kaggle_refuses_is_explained(tmp_path: Path, status: int, says: str) -> None:
    with serve({}, refuse(status)) as site, pytest.raises(DatasetError, match=says) as caught:
        unpatiently(kaggle(site.url), knobs(tmp_path, **LOGIN))

    assert "hush" not in str(caught.value)


def no_home(folder: Path) -> dict[str, str]:
    """The environment of a user without a login at Kaggle."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("KAGGLE", "DATASET"))}
    return {**kept, "HOME": str(folder), "DATASETS_DIR": str(folder / "datasets")}


def automodel(folder: Path, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "orchestrator", *words]
    environment = {**no_home(folder), **more}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_without_a_login_the_way_to_one_is_told_before_anything_is_built(tmp_path: Path) -> None:
    done = automodel(tmp_path, "prepare", "cassava", SANDBOX_BACKEND="docker", DOCKER_HOST="unix:///nowhere")

    assert done.returncode == 3
    assert "accept the rules at https://www.kaggle.com/competitions/cassava-leaf-disease-classification" in done.stderr
    assert "cassava-leaf-disease-classification.zip into" in done.stderr


def test_a_competition_that_was_put_there_by_hand_needs_no_login(tmp_path: Path) -> None:
    folder = tmp_path / "datasets/downloads/cassava"
    folder.mkdir(parents=True)
    (folder / "cassava-leaf-disease-classification.zip").write_bytes(b"zipped")

    check_dataset(knobs(tmp_path, dataset="cassava"))


def test_the_login_is_that_of_the_settings_or_of_kaggles_own_file(tmp_path: Path) -> None:
    login = read_settings(LOGIN)
    assert kaggle_login(read_settings({}), tmp_path) is None
    (tmp_path / ".kaggle").mkdir()
    (tmp_path / ".kaggle/kaggle.json").write_text(json.dumps({"username": "you", "key": "other"}))

    assert kaggle_login(login, tmp_path) == ("me", "hush-hush-1")
    assert kaggle_login(read_settings({}), tmp_path) == ("you", "other")


@pytest.mark.parametrize("content", ["{", "[]", '{"username": "hush"}', "null"])
def test_a_damaged_login_is_named_and_not_quoted(tmp_path: Path, content: str) -> None:
    (tmp_path / ".kaggle").mkdir()
    (tmp_path / ".kaggle/kaggle.json").write_text(content)

    with pytest.raises(SettingsError, match=rf"^{tmp_path}/\.kaggle/kaggle\.json holds no username and key") as caught:
        kaggle_login(read_settings({}), tmp_path)

    assert "hush" not in str(caught.value)


def test_half_a_login_is_refused() -> None:
    with pytest.raises(SettingsError, match="set both, or none"):
        kaggle_login(read_settings({"kaggle_key": "hush"}))


def test_secrets_are_shown_nowhere_and_are_no_flags(tmp_path: Path) -> None:
    settings = read_settings({**LOGIN, "datasets_mirror": "https://me:hush@a.example, https://you:hush@b.example/x"})

    assert "hush" not in repr(settings)
    assert "hush" not in str(settings.public())
    assert "--datasets-mirror" not in automodel(tmp_path, "prepare", "--help").stdout


def shown(settings: Settings, *datasets: NamedDataset, width: int = 200) -> list[str]:
    console = Console(file=io.StringIO(), width=width)
    console.print(dataset_table(datasets, settings, width))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()[1:]


def test_the_list_tells_what_is_here(tmp_path: Path) -> None:
    settings, dataset = knobs(tmp_path), made_up(FILE)

    def here() -> str:
        return shown(settings, dataset)[0]

    assert "needs download" in here()
    with serve({"animals/pets.zip": b"zipped"}) as server:
        unpatiently(dataset, replace(settings, datasets_mirror=server.url))
    assert "downloaded" in here()
    open_dataset(replace(settings, dataset="pets-few"), scripted(), named={"pets-few": dataset})
    assert "downloaded" in here()
    open_dataset(settings, scripted(), named={"pets": dataset})
    assert "prepared" in here()


def test_the_list_is_complete_without_network_and_fits_a_small_terminal(tmp_path: Path) -> None:
    done = automodel(tmp_path, "datasets", COLUMNS="80", DATASETS_MIRROR="http://127.0.0.1:9")

    assert done.returncode == 0, done.stderr
    assert [name for name in NAMED if not re.search(rf"^{name} ", done.stdout, re.MULTILINE)] == []
    assert "needs Kaggle key" in done.stdout
    assert "…" not in done.stdout


def test_what_pretrained_weights_have_seen_is_told_of_the_named_dataset_alone(tmp_path: Path) -> None:
    facts = make_dataset(tmp_path / "dataset").facts

    assert dataset_notes(facts) == []
    [note] = dataset_notes(facts.model_copy(update={"name": "tinyimagenet"}))
    assert "ImageNet" in note


def write_cifar10(path: Path) -> None:
    """A tiny dataset in the form of the real one: pickled batches of rows, in the real archive's folder."""
    chance = np.random.default_rng(0)
    batches = {f"data_batch_{number}": 8 for number in range(1, 6)} | {"test_batch": 10}
    contents: dict[str, Any] = {"batches.meta": {b"label_names": [b"airplane", b"automobile"], b"num_vis": 3072}}
    for name, count in batches.items():
        contents[name] = {
            b"batch_label": name.encode(),
            b"labels": [number % 2 for number in range(count)],
            b"data": chance.integers(0, 256, (count, 3072), dtype=np.uint8),
            b"filenames": [b"%d.png" % number for number in range(count)],
        }
    with tarfile.open(path, "w:gz") as archive:
        for name, content in contents.items():
            raw = pickle.dumps(content, protocol=2)
            member = tarfile.TarInfo(f"cifar-10-batches-py/{name}")
            member.size = len(raw)
            archive.addfile(member, io.BytesIO(raw))


@pytest.mark.bubblewrap
def test_cifar10_comes_from_a_mirror_and_is_prepared_in_the_sandbox(
    bubblewrap: BubblewrapSandbox, tmp_path: Path
) -> None:
    archive = tmp_path / "cifar-10-python.tar.gz"
    write_cifar10(archive)
    file = RemoteFile(name=archive.name, urls=(), checksum=checksum(archive, "md5"))
    tiny = replace(NAMED["cifar10"], downloads=(Download(key="cifar10", files=(file,), megabytes=1),))

    with serve({f"cifar10/{archive.name}": archive.read_bytes()}) as server:
        settings = knobs(tmp_path, server.url, dataset="cifar10")
        facts = open_dataset(settings, bubblewrap, named={"cifar10": tiny}).facts

    assert (facts.name, facts.classes, facts.image_size) == ("cifar10", ("airplane", "automobile"), (32, 32))
    assert {name: split.images for name, split in facts.splits.items()} == {"train": 36, "validation": 4, "test": 10}
    assert facts.description == tiny.description


@pytest.mark.parametrize(
    "name", [pytest.param("bubblewrap", marks=pytest.mark.bubblewrap), pytest.param("docker", marks=pytest.mark.docker)]
)
def test_two_files_of_one_name_are_one_dataset_in_either_sandbox(tmp_path: Path, name: str) -> None:
    from scipy.io import savemat  # noqa: PLC0415 - of the extra `harness`

    with closing(open_real(name)) as sandbox:
        folder, files = tmp_path / "datasets/downloads/svhn", []
        folder.mkdir(parents=True)
        for split, count in {"train": 200, "test": 20}.items():
            content = {
                "X": np.random.default_rng(count).integers(0, 256, (32, 32, 3, count), dtype=np.uint8),
                "y": np.arange(count)[:, None] % 10 + 1,
            }
            savemat(folder / f"{split}_32x32.mat", content)
            known = checksum(folder / f"{split}_32x32.mat", "md5")
            files.append(RemoteFile(name=f"{split}_32x32.mat", urls=(), checksum=known))
        tiny = replace(NAMED["svhn"], downloads=(Download(key="svhn", files=tuple(files), megabytes=1),))
        facts = open_dataset(knobs(tmp_path, dataset="svhn"), sandbox, named={"svhn": tiny}).facts

    assert facts.classes == tuple("0123456789")
    assert (facts.splits["train"].images + facts.splits["validation"].images, facts.splits["test"].images) == (200, 20)


@pytest.mark.bubblewrap
@pytest.mark.parametrize("name", PREPARED)
def test_a_name_and_a_mirror_are_enough_for_a_dataset(bubblewrap: BubblewrapSandbox, tmp_path: Path, name: str) -> None:
    write, classes, counts = PREPARED[name]
    written = write(tmp_path / "written")
    dataset = unchecked(NAMED[name])
    files = {
        f"{download.key}/{file.name}": (written / file.name).read_bytes()
        for download in dataset.downloads
        for file in download.files
    }
    with serve(files) as server:
        settings = knobs(tmp_path, server.url, dataset=name)
        facts = open_dataset(settings, bubblewrap, named={name: dataset}).facts

    assert (facts.name, list(facts.classes)) == (name, classes)
    assert tuple(split.images for split in facts.splits.values()) == counts
    assert facts.description
