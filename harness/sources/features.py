"""Which columns of a parquet file are the images, the labels and the groups, and what the labels are called."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.sources.source import UnusableDatasetError
from harness.sources.tables import LABEL_COLUMNS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.sources.tables import Columns

IMAGE_COLUMNS = ("image", "img", "picture", "photo", "jpg", "png", "bytes")


@dataclass(frozen=True, kw_only=True)
class Features:
    """The columns."""

    image: str = ""
    label: str = ""
    group: str = ""
    """Empty: none was asked for."""
    names: tuple[str, ...] = ()
    """What labels 0, 1 ... mean; empty where nobody said."""
    description: str = ""
    licence: str = ""


def find_features(schema: Any, columns: Columns, where: str) -> Features | None:
    """Find the columns in an Arrow schema; None where no column holds images and none was named.

    Raises:
        UnusableDatasetError: they cannot be told.
    """
    said = _said(schema.metadata or {})
    features = said.get("features")
    features = features if isinstance(features, dict) else {}
    by_type = {name: _kind(name, schema, features) for name in schema.names}
    images = [name for name, kind in by_type.items() if kind == "image"]
    if not images and not columns.file:
        return None
    image = _named(columns.file, by_type, where) or _only(images, IMAGE_COLUMNS, where, "images", "DATASET_FILE_COLUMN")
    if by_type[image] != "image":
        raise UnusableDatasetError(
            f"Column {image!r} of {where} holds {schema.field(image).type}, and of images the bytes are wanted: look "
            "at DATASET_FILE_COLUMN."
        )
    group = _named(columns.group, by_type, where)
    label = _named(columns.label, by_type, where) or _label(by_type, group, where)
    if by_type[label] not in ("class", "value"):
        raise UnusableDatasetError(
            f"Column {label!r} of {where} holds {schema.field(label).type}, and of labels whole numbers or words are "
            "wanted: look at DATASET_LABEL_COLUMN."
        )
    names = features.get(label, {}).get("names") if by_type[label] == "class" else None
    return Features(
        image=image,
        label=label,
        group=group,
        names=tuple(map(str, names)) if isinstance(names, list) else (),
        description=_text(said.get("description")),
        licence=_text(said.get("license")),
    )


def _said(metadata: Mapping[bytes, bytes]) -> dict[str, Any]:
    """What Hugging Face's library wrote down."""
    try:
        said = json.loads(metadata.get(b"huggingface", b"{}"))["info"]
    except (ValueError, KeyError, TypeError):
        return {}
    return said if isinstance(said, dict) else {}


def _kind(name: str, schema: Any, features: dict[str, Any]) -> str:
    """`image`, `class` (named numbers), `value` (a number or a word that may be a class), or nothing."""
    import pyarrow.types as of

    kind = schema.field(name).type
    if of.is_struct(kind):
        kind = kind.field("bytes").type if kind.get_field_index("bytes") >= 0 else kind
    if of.is_binary(kind) or of.is_large_binary(kind):
        return "image"
    feature = features.get(name)
    if isinstance(feature, dict) and feature.get("_type") == "ClassLabel":
        return "class"
    words = of.is_string(kind) or of.is_large_string(kind) or of.is_dictionary(kind)
    return "value" if words or of.is_integer(kind) or of.is_boolean(kind) else ""


def _label(by_type: Mapping[str, str], group: str, where: str) -> str:
    for wanted in ("class", "value"):
        if found := [name for name, kind in by_type.items() if kind == wanted and name != group]:
            return _only(found, LABEL_COLUMNS, where, "labels", "DATASET_LABEL_COLUMN")
    raise UnusableDatasetError(f"{where} has the columns {', '.join(by_type)}, and none of labels: add it.")


def _named(wanted: str, by_type: Mapping[str, str], where: str) -> str:
    found = next((name for name in by_type if name.casefold() == wanted.casefold()), "")
    if wanted and not found:
        raise UnusableDatasetError(
            f"{where} has the columns {', '.join(by_type)}, and not {wanted!r}: look at DATASET_FILE_COLUMN, "
            "DATASET_LABEL_COLUMN and DATASET_GROUP_COLUMN."
        )
    return found


def _only(found: Sequence[str], usual: Sequence[str], where: str, what: str, setting: str) -> str:
    likely = [name for each in usual for name in found if name.casefold() == each]
    if len(found) > 1 and not likely:
        named = " and ".join(map(repr, found[:10]))
        raise UnusableDatasetError(f"{where} may have its {what} in {named}: name the column in {setting}.")
    return (likely or found)[0]


def _text(value: Any) -> str:
    return value.strip() if isinstance(value, str) else ""
