"""What goes into the image and what it is called."""

from __future__ import annotations

import io
import tarfile
from typing import TYPE_CHECKING

from sandbox import image
from sandbox.choose import Choice, survey
from sandbox.image import Recipe, Site

if TYPE_CHECKING:
    from pathlib import Path


def test_the_image_holds_the_harness_extra_without_the_embedded_sandbox() -> None:
    names = {line.split(">")[0] for line in image.requirements()}

    assert names == {
        "numpy", "onnx", "onnxruntime", "onnxscript", "pillow", "pyarrow", "safetensors", "scikit-learn", "timm",
        "torch", "torchvision",
    }  # fmt: skip


def test_its_name_follows_its_content() -> None:
    cpu, cuda = image.recipe(gpu=False), image.recipe(gpu=True)
    other = Recipe(variant="cpu", requirements=cpu.requirements, base="other")

    assert cpu.tag().startswith("automodel-sandbox:cpu-")
    assert cpu.tag() == image.recipe(gpu=False).tag()
    assert len({cpu.tag(), cuda.tag(), other.tag()}) == 3


def test_the_context_holds_wheels_and_a_certificate_where_there_are_any(tmp_path: Path) -> None:
    wheels = tmp_path / "house"
    wheels.mkdir()
    (wheels / "a.whl").write_bytes(b"x")
    (tmp_path / "bundle").write_text("certificate")
    recipe = Recipe(variant="cpu", requirements=("numpy", "timm"))

    assert members(recipe, Site()) == {"Dockerfile", "requirements.txt"}
    full = members(recipe, Site(wheels=wheels, ca=tmp_path / "bundle"))
    assert full == {"Dockerfile", "requirements.txt", "wheels", "wheels/a.whl", "ca.crt"}


def test_a_survey_never_raises() -> None:
    found = survey(Choice())

    assert found.engine
    assert found.bubblewrap
    assert found.backend in {"docker", "bubblewrap", None}


def members(recipe: Recipe, site: Site) -> set[str]:
    file = io.BytesIO()
    image.write_context(file, recipe, site)
    file.seek(0)
    with tarfile.open(fileobj=file) as tar:
        return set(tar.getnames())


def test_an_index_of_the_users_own_is_the_only_one() -> None:
    cpu, cuda = image.recipe(gpu=False), image.recipe(gpu=True)
    own = Site(index_url="https://own/simple")

    assert image.build_arguments(cpu, Site())["TORCH_INDEX_URL"] == image.CPU_INDEX
    assert image.build_arguments(cpu, own)["TORCH_INDEX_URL"] == ""
    assert image.build_arguments(cpu, own)["INDEX_URL"] == "https://own/simple"
    assert image.build_arguments(cuda, Site())["TORCH_INDEX_URL"] == ""
