"""What may be typed into a pane, and how tmux has to be told."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from panewatch import linear
from panewatch.panes.text import clean

_KEY = linear.compile(
    r"^(?:[CMS]-){0,3}(?:[!-~]|Enter|Escape|Tab|BTab|Space|BSpace|Up|Down|Left|Right|Home|End|"
    r"PageUp|PageDown|PgUp|PgDn|PPage|NPage|IC|DC|Insert|Delete|F(?:[1-9]|1[0-2]))$"
)


def check_text(text: str) -> None:
    """Refuse text that would do more than stand there.

    Raises:
        ValueError: it holds control characters, or is no Unicode.
    """
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ValueError(f"the text is no Unicode: {error.reason}") from None
    for character in text:
        if character < " " or "\x7f" <= character <= "\x9f":
            raise ValueError(f"the text holds the control character U+{ord(character):04X}")


def check_keys(keys: Iterable[str]) -> None:
    """Refuse what is no key: tmux would type its name.

    Raises:
        ValueError: one of them is none.
    """
    for key in keys:
        if _KEY.match(key) is None:
            raise ValueError(f"not a key: {clean(key)}")


def quote(words: Iterable[str]) -> Iterator[str]:
    """Yield each word so that tmux takes it as it is: a ``;`` at its end begins a command."""
    for word in words:
        yield f"{word[:-1]}\\;" if word.endswith(";") else word
