"""Where this machine's Chromium is; as a program, says so, or what to install."""

from __future__ import annotations

import shutil
import sys

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MISSING = (
    "The tests of the site need Chromium or Chrome, and none is on the PATH: `make browser` installs it on Debian, "
    f"as root; elsewhere install either, so that one of {', '.join(NAMES)} starts it."
)


def executable() -> str | None:
    """The path of the first browser found."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


if __name__ == "__main__":
    path = executable()
    print(path or MISSING)
    sys.exit(path is None)
