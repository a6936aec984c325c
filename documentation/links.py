"""Checks the built pages: every link leads to a file and an anchor, and no page loads from outside.

Zensical's strict mode checks the links of Markdown between pages. It does not check pictures, HTML
within Markdown, or what its templates add. This check reads what a browser would read.
"""

from collections.abc import Iterator
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

_LOADED: Final = {"script": "src", "img": "src", "link": "href", "iframe": "src", "source": "src"}
"""The elements that a browser fetches when it shows a page, and the attribute with the address."""


class _Page(HTMLParser):
    """The addresses and the anchors of one page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.anchors: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value for name, value in attrs if value is not None}
        self.anchors.update(values[name] for name in ("id", "name") if name in values)
        if tag == "a" and "href" in values:
            self.links.append(values["href"])
        address = values.get(_LOADED.get(tag, ""))
        if address is not None:
            self.loads.append(address)


def problems(site: Path) -> list[str]:
    """Return one sentence for each link of the site that leads nowhere, in the order of pages."""
    return [
        f"{page.relative_to(site).as_posix()}: {problem}"
        for page in sorted(site.rglob("*.html"))
        if page.name != "404.html"  # its addresses begin at the root of the server
        for problem in dict.fromkeys(_of_page(page))
    ]


def _of_page(page: Path) -> Iterator[str]:
    parsed = _parsed(page)
    for address in parsed.loads:
        if urlsplit(address).netloc:
            yield f"a browser loads {address} from another server"
    for address in (*parsed.links, *parsed.loads):
        if not _is_external(address) and not _resolves(page, address):
            yield f"{address} leads to no file or anchor of the site"


def _is_external(address: str) -> bool:
    parts = urlsplit(address)
    return bool(parts.scheme or parts.netloc)


def _resolves(page: Path, address: str) -> bool:
    parts = urlsplit(address)
    target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
    if not target.is_file():
        return False
    anchor = unquote(parts.fragment)
    return not anchor or target.suffix != ".html" or anchor in _parsed(target).anchors


@cache
def _parsed(page: Path) -> _Page:
    return _Page(page.read_text())
