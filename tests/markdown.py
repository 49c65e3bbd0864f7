"""The Markdown pages of the repository: their links, headings and words."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

_FENCE = re.compile(r"^(```|~~~).*?^\1\s*$", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`[^`\n]*`")
_LINK = re.compile(r"\[[^\]]*\]\(<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\)")
_REFERENCE = re.compile(r"^\[[^\]]+\]:\s*(\S+)", re.MULTILINE)
_HEADING = re.compile(r"^#{1,6}\s+(.*?)\s*#*$", re.MULTILINE)


def list_pages(root: Path = ROOT) -> list[Path]:
    """Every Markdown file outside hidden folders and virtual environments."""
    skipped = {"venv", "node_modules", "build", "dist"}
    return sorted(
        page
        for page in root.rglob("*.md")
        if not any(
            part.startswith(".") or part in skipped for part in page.relative_to(root).parts[:-1]
        )
    )


def find_links(text: str) -> list[str]:
    """Targets of the links inside the repository, in order, code left out."""
    prose = _CODE.sub("", _FENCE.sub("", text))
    targets = [*_LINK.findall(prose), *_REFERENCE.findall(prose)]
    return [target for target in targets if not re.match(r"[a-z][a-z0-9+.-]*:", target)]


def find_anchors(text: str) -> set[str]:
    """Fragments that the headings of a page make, as GitHub builds them."""
    anchors: set[str] = set()
    for heading in _HEADING.findall(_FENCE.sub("", text)):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
        slug = re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")
        number = 0
        anchor = slug
        while anchor in anchors:
            number += 1
            anchor = f"{slug}-{number}"
        anchors.add(anchor)
    return anchors


def find_fault(page: Path, target: str) -> str:
    """Say what is wrong with a link of a page; empty where it leads somewhere."""
    path, _, fragment = target.partition("#")
    found = (page.parent / path) if path else page
    if not found.exists():
        return f"{target} does not exist"
    if (
        fragment
        and found.suffix == ".md"
        and fragment not in find_anchors(found.read_text("utf-8"))
    ):
        return f"{target} names no heading of {found.name}"
    return ""
