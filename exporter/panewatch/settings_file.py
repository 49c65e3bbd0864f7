"""A settings file, the environment over it and the command line over both, as one ``Config``."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from panewatch import settings_schema, strict_yaml
from panewatch.config import Config
from panewatch.problems import Path, Places, Problem, ProblemsError, show_key, show_path
from panewatch.settings_salvage import Salvage
from panewatch.settings_schema import describe, describe_keys, find_node, is_section

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from pydantic_core import ErrorDetails

json_schema = settings_schema.json_schema

PREFIX = "PANEWATCH_"
COMMAND_LINE = "command line"

# Kubernetes sets these in every pod where a service is called panewatch.
_SERVICE_LINK = re.compile(
    r"PANEWATCH_(SERVICE_(HOST|PORT(_\w+)?)|PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)"
)


class SettingsError(ProblemsError):
    """The settings are wrong; ``problems`` holds everything that is.

    ``rest`` is what they say where everything that is wrong is left out; None where the file
    could not be read.
    """

    def __init__(self, problems: Iterable[Problem], rest: Config | None = None) -> None:
        super().__init__(problems)
        self.rest = rest


def variable(path: Path) -> str:
    """Return the environment variable that sets a key, such as ``PANEWATCH_WEB__MAX_REQUESTS``."""
    return PREFIX + "__".join(str(part).upper() for part in path)


def load(path: str | None, env: Mapping[str, str], overrides: Mapping[str, Any]) -> Config:
    """Build the configuration: defaults, then the file, the environment, the overrides.

    Args:
        path: The YAML file; None for none. The files that it names are relative to its folder.
        env: The environment. ``PANEWATCH_<SECTION>__<KEY>`` sets a key; text is
            taken as it is, everything else is read as YAML. An empty variable
            counts as not set.
        overrides: Nested settings from command-line flags.

    Raises:
        SettingsError: with every problem that was found, in order of the sources.
    """
    sources = _Sources()
    if path is not None:
        sources.add_file(path)
    sources.add_environment(env)
    if path is not None and sources.document is None:
        raise SettingsError(sources.problems)
    sources.add_overrides(overrides)
    config = sources.validate()
    if sources.problems:
        raise SettingsError(sorted(sources.problems, key=sources.rank), config)
    return config


@dataclass
class _Sources:
    """The merged settings, and where each of them came from."""

    value: dict[str, Any] = field(default_factory=dict)
    document: strict_yaml.Document | None = None
    origins: dict[Path, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def add_file(self, path: str) -> None:
        try:
            self.document = strict_yaml.read(path)
        except strict_yaml.YamlError as error:
            self.problems.extend(error.problems)
            return
        value = self.document.value
        if value is None:
            message = "is empty; leave the file out, or write {}, to use the defaults"
            self.problems.append(Problem(path, 1, "", message))
        elif not isinstance(value, dict):
            root = find_node(())
            message = f"must be {describe(root)}" if root else ""
            self.problems.append(Problem(path, 1, "", message))
        else:
            self.value = _relocate(value, os.path.dirname(path))  # noqa: PTH120  # as it was given

    def add_environment(self, env: Mapping[str, str]) -> None:
        for name in sorted(env):
            if not name.startswith(PREFIX) or _SERVICE_LINK.fullmatch(name):
                continue
            path = _VARIABLES.get(name)
            if path is None:
                self.problems.append(Problem(show_key(name), 0, "", _refuse_variable(name)))
            elif env[name]:
                self._add_variable(name, path, env[name])

    def _add_variable(self, name: str, path: Path, text: str) -> None:
        node = find_node(path)
        value: Any = text
        if node is not None and node.get("type") != "string":
            try:
                value = strict_yaml.parse(text, name).value
            except strict_yaml.YamlError as error:
                self.problems.extend(Problem(name, 0, "", p.message) for p in error.problems)
                return
        self._set(path, value, name)

    def add_overrides(self, overrides: Mapping[str, Any], path: Path = ()) -> None:
        for key, value in overrides.items():
            here = (*path, key)
            node = find_node(here)
            if node is not None and is_section(node) and isinstance(value, dict):
                self.add_overrides(value, here)
            else:
                self._set(here, value, COMMAND_LINE)

    def _set(self, path: Path, value: Any, origin: str) -> None:
        target: dict[Any, Any] = self.value
        for part in path[:-1]:
            child = target.setdefault(part, {})
            if not isinstance(child, dict):  # wrong in the file: leave it for the validation
                return
            target = child
        target[path[-1]] = value
        self.origins[path] = origin

    def validate(self) -> Config:
        """Add to ``problems`` all that is wrong; return what is left without that.

        Values that clash are looked for only among values that are right each by itself. So
        what is wrong is taken out and the rest looked at again, until nothing is.
        """
        salvage = Salvage(self.value)
        places = Places(self._locate)
        while True:
            try:
                return Config.model_validate(salvage.freeze(), strict=True, context=places)
            except ValidationError as error:
                found = error.errors(include_url=False, include_input=False)
            wrong = [
                ([salvage.trace(path) for path in paths], message)
                for details in found
                for paths, message in _read_details(details)
            ]
            for paths, message in wrong:
                if not any(map(salvage.lacks, paths)):
                    culprit = next(filter(self._is_set, paths), paths[0])
                    self.problems.append(self._locate(culprit, message))
            for paths, _ in wrong:
                salvage.take_out([path for path in paths if salvage.holds(path)] or paths[:1])

    def _is_set(self, path: Path) -> bool:
        if self._find_origin(path) is not None:
            return True
        return self.document is not None and path in self.document.lines

    def _find_origin(self, path: Path) -> str | None:
        starts = (path[:length] for length in range(len(path), 0, -1))
        return next((self.origins[start] for start in starts if start in self.origins), None)

    def _locate(self, path: Path, message: str) -> Problem:
        origin = self._find_origin(path)
        if origin is not None:
            return Problem(origin, 0, show_path(path), message)
        if self.document is not None:
            return Problem(self.document.name, self.document.line(path), show_path(path), message)
        return Problem("defaults", 0, show_path(path), message)

    def rank(self, problem: Problem) -> tuple[int, int]:
        """Order problems by source, then by line."""
        if problem.file == COMMAND_LINE:
            return (2, 0)
        return (0, problem.line) if problem.line else (1, 0)


_VARIABLES = {variable(path): path for path, _ in settings_schema.find_leaves()}


def _relocate(value: Any, folder: str, path: Path = ()) -> Any:
    """Put the folder of the settings file before the names of files that it gives."""
    if isinstance(value, dict):
        return {key: _relocate(item, folder, (*path, key)) for key, item in value.items()}
    if isinstance(value, list):
        return [_relocate(item, folder, (*path, index)) for index, item in enumerate(value)]
    if isinstance(value, str) and value and "x-file" in (find_node(path) or {}):
        return os.path.join(folder, value)  # noqa: PTH118  # a name stays as it was written
    return value


def _read_details(details: ErrorDetails) -> Iterator[tuple[list[Path], str]]:
    """Say in the user's terms what pydantic found, and which keys are to blame."""
    path: Path = details["loc"]
    kind = details["type"]
    if kind == "conflict":
        for conflict in details["ctx"]["conflicts"]:
            yield [(*path, *key) for key in conflict.keys], conflict.message
    elif kind == "extra_forbidden":
        yield [path], _refuse_key(path)
    elif kind == "missing":
        node = find_node(path)
        yield [path], f"is missing; give {describe(node)}" if node else "is missing"
    elif path[-1:] == ("[key]",):
        node = find_node(path[:-2])
        yield [path[:-1]], f"the key must be {describe_keys(node) if node else ''}"
    else:
        node = find_node(path)
        yield [path], f"must be {describe(node)}" if node else details["msg"]


def _refuse_key(path: Path) -> str:
    section = find_node(path[:-1])
    allowed = list(section["properties"]) if section else []
    near = get_close_matches(str(path[-1]), allowed, 1)
    hint = f"did you mean `{near[0]}`? " if near else ""
    return f"unknown key; {hint}allowed: {', '.join(allowed)}"


def _refuse_variable(name: str) -> str:
    sections = [path for path in _SECTIONS if variable(path) == name]
    if sections:
        return f"names a section; set one of its keys, as {name}__<KEY>"
    near = get_close_matches(name, _VARIABLES, 1, cutoff=0.75)
    hint = f"did you mean {near[0]}?" if near else f"the form is {PREFIX}<SECTION>__<KEY>"
    return f"unknown setting; {hint}"


_SECTIONS = {path[:length] for path in _VARIABLES.values() for length in range(1, len(path))}
