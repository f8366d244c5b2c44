"""The verifier needs no store: an auditor's machine has none (law 10, and the promise to the auditor)."""

import subprocess
import sys
from pathlib import Path

from fairlead.ledger import ephemeral_key, make_trust_root, save_trust_root, write_files
from fairlead.ledger.statement import Predicate
from fairlead.testing.ledger import MemoryLedger

PROGRAM = """
import sys
from fairlead.cli.evidence import verify
code = verify.main([sys.argv[1], '--trust-root', sys.argv[2]], standalone_mode=False)
heavy = {name.split('.')[0] for name in sys.modules} & {'sqlalchemy', 'alembic', 'sqlite3', 'aiohttp', 'httpx', 'fastapi', 'jinja2'}
rooms = {name for name in sys.modules if name.startswith(('fairlead.store', 'fairlead.journal', 'fairlead.ledger.records'))}
assert not heavy | rooms, heavy | rooms
sys.exit(code)
"""


def test_verification_imports_nothing_of_the_store(tmp_path: Path) -> None:
    key = ephemeral_key()
    ledger = MemoryLedger("fairlead/t1", key)
    ledger.attest("run", "run_1", {"id": "run_1"}, predicate=Predicate(at_us=1, tenant="t1"))
    write_files(tmp_path / "bundle.zip", ledger.files())
    save_trust_root(tmp_path / "trust.json", make_trust_root("fairlead/t1", key))
    save_trust_root(tmp_path / "stranger.json", make_trust_root("fairlead/t1", ephemeral_key()))
    for trust, code in (("trust.json", 0), ("stranger.json", 20)):
        arguments = [sys.executable, "-c", PROGRAM, str(tmp_path / "bundle.zip"), str(tmp_path / trust)]
        finished = subprocess.run(arguments, capture_output=True, text=True, check=False)
        assert finished.returncode == code, finished.stderr
