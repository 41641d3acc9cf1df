"""What a report's page looks like once its script has drawn it, in a real browser."""

import html
import os
import re
import shutil
import subprocess

import pytest

BROWSER = os.environ.get("CHROMIUM") or shutil.which("chromium")
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
         "--disable-component-update", "--disable-sync", "--no-first-run",
         "--virtual-time-budget=5000", "--dump-dom")
LIMIT_S = 60


class Drawn:
    """The page as the browser has it."""

    def __init__(self, markup):
        # What the script was and what it was given are not drawn.
        self.markup = re.sub(r"<(script|style|noscript)\b.*?</\1>", "", markup, flags=re.S)
        self.text = html.unescape(re.sub(r"<[^>]*>", "\n", self.markup))
        self.drawings = re.findall(r"<svg.*?</svg>", self.markup, re.S)

    def rows(self):
        """Of all tables: lists of their cells' texts."""
        return [[html.unescape(re.sub(r"<[^>]*>", "", cell))
                 for cell in re.findall(r"<t[dh]>(.*?)</t[dh]>", row, re.S)]
                for row in re.findall(r"<tr>(.*?)</tr>", self.markup, re.S)]


def draw(page, tmp_path):
    if not BROWSER:
        pytest.skip("this system has no Chromium (scripts/lib.sh, test_packages)")
    done = subprocess.run([BROWSER, *FLAGS, f"--user-data-dir={tmp_path / 'browser'}",
                           page.absolute().as_uri()], capture_output=True, text=True,
                          timeout=LIMIT_S, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    return Drawn(done.stdout)
