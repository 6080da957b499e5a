"""Links between the pages of a site, and from them to its files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote, urldefrag

from tests.site.visit import Visit


def dead_links(pages: Mapping[str, Visit], folder: Path) -> dict[str, list[str]]:
    """By page, its links into the site that lead nowhere.

    Args:
        pages: every page of the site by its address; the shortest is the home page's.
        folder: what is served there.
    """
    home = min(pages, key=len)
    anchors = {address: seen.anchors for address, seen in pages.items()}

    def leads(link: str) -> bool:
        place, anchor = urldefrag(link)
        if place in anchors:
            return not anchor or unquote(anchor) in anchors[place]
        return (folder / unquote(place.removeprefix(home))).is_file()

    found = {address: [link for link in seen.links if link.startswith(home)] for address, seen in pages.items()}
    return {address: dead for address, links in found.items() if (dead := [link for link in links if not leads(link)])}
