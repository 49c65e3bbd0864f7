"""YAML that says one thing: positions kept, and everything ambiguous refused.

A file is data that a person wrote. Anchors, aliases and tags are refused because
they make a small file large or a value something else than it looks; duplicate
keys because one of the two is silently lost. Values never appear in messages: a
file may hold a secret.
"""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

import yaml

from panewatch.problems import Path, Problem, ProblemsError, show_path

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Document", "Path", "Problem", "ProblemsError", "YamlError", "parse", "read"]

MAX_BYTES = 1 << 20
MAX_DEPTH = 50
MAX_NUMBER = 40
NO_TAGS = "tags (!name) are not allowed"

_Nodes: TypeAlias = tuple[yaml.Node, yaml.Node]


class YamlError(ProblemsError):
    """The text is not YAML, or not the part of YAML that is accepted."""


@dataclass(frozen=True)
class Document:
    """A parsed file.

    ``value`` is made of dict (with str keys), list, str, int, float, bool and None;
    it is None where the file holds nothing.
    """

    name: str
    value: Any
    lines: Mapping[Path, int] = field(repr=False)

    def line(self, path: Path) -> int:
        """Return the 1-based line of a key path, or of its nearest ancestor."""
        for length in range(len(path), -1, -1):
            found = self.lines.get(path[:length])
            if found is not None:
                return found
        return 1


def read(path: str | os.PathLike[str]) -> Document:
    """Read and parse a file; an error names the file as it was given.

    Raises:
        YamlError: it cannot be read (missing, a folder, no permission, larger than
            1 MiB, not UTF-8) or :func:`parse` refuses it.
    """
    name = os.fspath(path)
    try:
        content = _read_bytes(name)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else None
        raise _refusal(name, 0, f"cannot be read: {reason or error}") from None
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise _refusal(name, 1, "is UTF-16; save it as UTF-8 without a byte order mark")
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise _refusal(name, line, f"byte 0x{content[error.start]:02x} is not UTF-8") from None
    return parse(text, name)


def parse(text: str, name: str) -> Document:
    """Parse one YAML document; ``name`` stands for it in errors.

    Scalars are read as in YAML 1.1 with three traps left out: ``1:30`` and dates
    are text, and a number with leading zeros is text.

    Raises:
        YamlError: with every problem found up to the first that hides the rest.
    """
    if len(text) > MAX_BYTES or len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        raise _refusal(name, 0, f"is larger than {MAX_BYTES} bytes")
    if text.startswith("\ufeff"):
        raise _refusal(name, 1, "starts with a byte order mark; save it without one")
    problems: list[Problem] = []
    try:
        loader = _Loader(text, name, problems)
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise _refusal(name, line, f"character U+{error.character:04X} is not allowed") from None
    try:
        root = loader.compose_single()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        what = ", ".join(part for part in (error.context, error.problem) if part)
        message = NO_TAGS if "tag handle" in what else f"not YAML: {what}"  # it quotes the handle
        problems.append(Problem(name, mark.line + 1 if mark else 0, "", message))
        raise YamlError(problems) from None
    except (ValueError, OverflowError):  # an escape or a directive with a number out of range
        problems.append(Problem(name, loader.line + 1, "", "not YAML: number out of range"))
        raise YamlError(problems) from None
    builder = _Builder(name, problems)
    value = builder.build(root, ()) if root is not None else None
    if problems:
        raise YamlError(sorted(problems, key=lambda problem: problem.line))
    return Document(name, value, builder.lines)


def _read_bytes(name: str) -> bytes:
    # Without O_NONBLOCK a pipe put in the file's place would hang a reload.
    descriptor = os.open(name, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise ValueError("it is a directory or a device, not a file")
        with open(descriptor, "rb", closefd=False) as stream:
            content = stream.read(MAX_BYTES + 1)
    finally:
        os.close(descriptor)
    if len(content) > MAX_BYTES:
        raise ValueError(f"it is larger than {MAX_BYTES} bytes")
    return content


def _refusal(name: str, line: int, message: str) -> YamlError:
    return YamlError([Problem(name, line, "", message)])


class _Loader(yaml.SafeLoader):
    """Composes nodes; notes anchors, aliases and tags, and stops at the depth limit."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 the base class types it so

    def __init__(self, text: str, name: str, problems: list[Problem]) -> None:
        super().__init__(text)
        self._file = name
        self._problems = problems
        self._depth = 0

    def compose_single(self) -> yaml.Node | None:
        self.get_event()  # type: ignore[no-untyped-call] # the stubs leave the event methods out
        root = None
        if not self.check_event(yaml.StreamEndEvent):
            root = self.compose_document()
        if not self.check_event(yaml.StreamEndEvent):
            event = self.peek_event()  # type: ignore[no-untyped-call]
            self._refuse(event, "a second document starts here; a file holds one")
        return root

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        event: Any = self.peek_event()  # type: ignore[no-untyped-call]
        if self.check_event(yaml.AliasEvent):
            self._refuse(event, "aliases (*name) are not allowed")
            self.get_event()  # type: ignore[no-untyped-call]
            return yaml.ScalarNode(_NULL, "", event.start_mark, event.end_mark)
        if event.anchor is not None:
            self._refuse(event, "anchors (&name) are not allowed")
            event.anchor = None
        if event.tag is not None:
            self._refuse(event, NO_TAGS)
            event.tag = None
        if self._depth >= MAX_DEPTH:
            raise yaml.MarkedYAMLError(
                problem=f"nested deeper than {MAX_DEPTH} levels", problem_mark=event.start_mark
            )
        self._depth += 1
        try:
            return super().compose_node(parent, index)
        finally:
            self._depth -= 1

    def _refuse(self, event: Any, message: str) -> None:
        self._problems.append(Problem(self._file, event.start_mark.line + 1, "", message))


_NULL = "tag:yaml.org,2002:null"
_BOOL = "tag:yaml.org,2002:bool"
_INT = "tag:yaml.org,2002:int"
_FLOAT = "tag:yaml.org,2002:float"
_FLOAT_TEXT = r"[-+]?(\d+\.\d*|\.\d+|\d+(\.\d*)?[eE][-+]?\d+|\.(inf|Inf|INF))|\.(nan|NaN|NAN)"
for _tag, _pattern, _first in (
    (_BOOL, "yes|Yes|YES|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF",
     "yYnNtTfFoO"),
    (_INT, r"[-+]?(0|[1-9]\d*|0x[0-9a-fA-F]+|0o[0-7]+)", "-+0123456789"),
    (_FLOAT, _FLOAT_TEXT, "-+.0123456789"),
    (_NULL, "~|null|Null|NULL|", ["~", "n", "N", ""]),
):  # fmt: skip
    _Loader.add_implicit_resolver(_tag, re.compile(f"^(?:{_pattern})\\Z", re.ASCII), list(_first))


class _Builder:
    """Turns nodes into plain data and notes the line of every path."""

    def __init__(self, name: str, problems: list[Problem]) -> None:
        self.lines: dict[Path, int] = {}
        self._file = name
        self._problems = problems

    def build(self, node: yaml.Node, path: Path) -> Any:
        self.lines.setdefault(path, node.start_mark.line + 1)
        if isinstance(node, yaml.MappingNode):
            return self._build_mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.build(item, (*path, index)) for index, item in enumerate(node.value)]
        return self._build_scalar(node, path)

    def _build_mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        value: dict[str, Any] = {}
        pairs: list[_Nodes] = node.value
        for key_node, value_node in pairs:
            line = key_node.start_mark.line + 1
            scalar = isinstance(key_node, yaml.ScalarNode)
            key = self._build_scalar(key_node, path) if scalar else None
            if not isinstance(key, str):
                self._refuse(line, path, "a key must be text; put it in quotes")
                continue
            here = (*path, key)
            if key in value:
                self._refuse(line, here, f"given twice; first on line {self.lines[here]}")
                continue
            self.lines[here] = line
            value[key] = self.build(value_node, here)
        return value

    def _build_scalar(self, node: yaml.Node, path: Path) -> str | int | float | bool | None:
        text: str = node.value
        if node.tag == _NULL:
            return None
        if node.tag == _BOOL:
            return text.lower() in ("yes", "true", "on")
        if node.tag == _FLOAT:
            return float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))
        if node.tag == _INT:
            if len(text) > MAX_NUMBER:
                self._refuse(node.start_mark.line + 1, path, "number too long")
                return None
            return int(text, 0)
        if re.search("[\x00\ud800-\udfff]", text):
            self._refuse(node.start_mark.line + 1, path, "NUL and half characters are not allowed")
        return text

    def _refuse(self, line: int, path: Path, message: str) -> None:
        self._problems.append(Problem(self._file, line, show_path(path), message))
