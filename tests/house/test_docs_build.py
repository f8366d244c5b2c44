"""The documentation builds strictly, without a network, and a reader's browser fetches nothing from elsewhere."""

import re
import subprocess
import sys
from pathlib import Path

from house.tree import ROOT

ELSEWHERE = re.compile(r"<(?:script|img|link|iframe|source)\b[^>]*\b(?:src|href)=\"?(?:https?:)?//[^>]*>")
NAMED_ONLY = re.compile(r"\brel=\"?(?:canonical|next|prev)\b")
"""Links that say where a page belongs; no browser fetches them."""


def test_the_site_builds_and_fetches_nothing(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path)]
    closed = dict.fromkeys(("http_proxy", "https_proxy"), "http://127.0.0.1:9")
    done = subprocess.run(
        command, cwd=ROOT, env={"NO_MKDOCS_2_WARNING": "1", **closed}, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    pages = {path: path.read_text(encoding="utf-8") for path in tmp_path.rglob("*.html")}
    assert len(pages) > 60
    fetched = {tag[0] for text in pages.values() for tag in ELSEWHERE.finditer(text) if not NAMED_ONLY.search(tag[0])}
    assert not fetched
    assert not [text for text in pages.values() if 'class="mermaid"' in text]  # the theme would fetch its renderer
    assert not list(tmp_path.rglob("*.py"))
