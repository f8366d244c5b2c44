"""Draw the waterline picture of ARCHITECTURE.md from the import contract in ``pyproject.toml``: ``python docs/picture.py``."""

import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "ARCHITECTURE.md"
BEGIN, END = "<!-- picture: begin -->", "<!-- picture: end -->"
WIDTH = 44
ROOMS = {
    "__main__": ("doors", "python -m fairlead; fakes for tests"),
    "cli": ("doors", "the command line; starts the other doors"),
    "console": ("doors", "how people and programs come in"),
    "wiring": ("wiring", "settings in, built objects out"),
    "integrations": ("outside", "adapters to other systems"),
    "governance": ("programme", "card, readiness, KPIs"),
    "incidents": ("programme", "incidents, levers, cases from them"),
    "redteam": ("practice", "attacks; watching; which release serves"),
    "evals": ("practice", "cases, suites, runs, gates"),
    "agents": ("enforcement", "tool broker, provenance, approvals"),
    "guard": ("enforcement", "the one decision flow; streams"),
    "policy": ("knowledge", "documents, compile, diff, tests"),
    "detectors": ("knowledge", "families of detectors, with cards"),
    "identity": ("records", "accounts, roles, keys, tenants"),
    "ledger": ("records", "attestations, Merkle log; metrics, spans"),
    "store": ("records", "database and migrations"),
    "journal": ("records", "durable before the response leaves"),
    "statistics": ("words", "estimates; API shapes to Segments"),
    "config": ("words", "the only reader of the environment"),
    "core": ("words", "vocabulary, ids, clock, errors"),
}
"""First room of each layer: which part of the mission it belongs to, and what the layer holds."""


def layers() -> list[str]:
    """Return the layers of the contract, from high to low."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contract = next(one for one in project["tool"]["importlinter"]["contracts"] if one["type"] == "layers")
    return list(contract["layers"])


def picture() -> str:
    """Return the picture: one line a layer; a layer imports only from below itself."""
    lines: list[str] = []
    before = ""
    for layer in layers():
        part, holds = ROOMS[layer.partition(" | ")[0]]
        if part != before:
            lines.append(f"{'':12}├{'─' * (WIDTH + 2)}┤" if before else f"{'':12}┌{'─' * (WIDTH + 2)}┐")
        lines.append(f"{part if part != before else '':<12}│ {layer:<{WIDTH}} │ {holds}")
        before = part
    return "\n".join([*lines, f"{'':12}└{'─' * (WIDTH + 2)}┘"])


def with_picture(page: str) -> str:
    """Return the page with the picture that the contract gives."""
    head, _, rest = page.partition(BEGIN)
    _, _, tail = rest.partition(END)
    return f"{head}{BEGIN}\n```text\n{picture()}\n```\n{END}{tail}"


def put_picture() -> None:
    """Write the picture into ARCHITECTURE.md."""
    PAGE.write_text(with_picture(PAGE.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    put_picture()
    sys.exit(0)
