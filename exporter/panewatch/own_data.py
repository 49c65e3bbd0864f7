"""The data that comes with the package, as YAML files."""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING, Any, Final

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator

_QUICK: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The parser in C, where PyYAML was built with it, is many times as quick. What it does not
refuse matters in files of users, which `strict_yaml` reads; ours are known to be good."""


def load_file(package: str, name: str) -> Any:  # what a file holds is for its reader
    """Return the content of one YAML file in a package of ours."""
    content = resources.files(package).joinpath(name).read_bytes()
    return yaml.load(content, Loader=_QUICK)  # noqa: S506  # a safe one


def load_folder(package: str, folder: str) -> Iterator[tuple[str, Any]]:
    """Yield name and content of every YAML file in a folder of ours, in the order of names."""
    names = [file.name for file in resources.files(package).joinpath(folder).iterdir()]
    for name in sorted(names):
        if name.endswith(".yaml"):
            yield name, load_file(package, f"{folder}/{name}")
