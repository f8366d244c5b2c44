"""The composition root of the control plane: settings in; store, identity, ledger, incidents and sources of every figure out."""

from functools import cached_property
from pathlib import Path

from fairlead.agents import ApprovalDesk, ApprovalLoad, FileApprovals
from fairlead.agents.records import read_load
from fairlead.config import Settings
from fairlead.core import Decision, InvalidInput, NotFound, SystemClock, Unavailable, new_id
from fairlead.detectors import Registry
from fairlead.evals import GateResult, Run
from fairlead.evals.records import add_gate, add_run
from fairlead.governance import Notary, Sources
from fairlead.governance.records import sql_sources
from fairlead.guard import Lever
from fairlead.identity import LOCAL_OPERATOR, Account, Actor, Identity, Passwords, require
from fairlead.identity.records import IdentityRecords
from fairlead.incidents import Containing, Incident, IncidentDesk, LeverFile, Programme, SocketProber, watch
from fairlead.incidents.records import LedgerNotary, SqlCaptures, SqlIncidents
from fairlead.journal import AuditEntry, Sealer
from fairlead.ledger import ensure_key, receipt_of, sign_receipt
from fairlead.ledger.records import Ledger
from fairlead.releases import record_release
from fairlead.releases.records import put_in_force
from fairlead.store import Store, fold, open_store
from fairlead.store.records import decisions_of
from fairlead.wiring.policy_files import PolicyFiles

PROBE_KEY = "containment-probe"
PROBE_KEY_LIFETIME_US = 10 * 60 * 1_000_000
"""A probe's key is made for one containment and dies by itself."""
_BLOCK_CHARS = 128
"""Of a block's id: an Ed25519 signature in hexadecimal."""
DEFAULT_TENANT = "default"


class ControlPlane:
    """Everything that commands and console need; parts are built when they are first used.

    Args:
        settings: Where things are.
        policy: The policy file of the System that is worked on.
    """

    def __init__(self, settings: Settings, policy: Path) -> None:
        self.settings = settings
        self.clock = SystemClock()
        self._policy = policy
        self._programmes: dict[str, Programme] = {}

    @cached_property
    def store(self) -> Store:
        """The database, migrated."""
        self.settings.data_dir.mkdir(parents=True, exist_ok=True)
        store = open_store(self.settings.database_url)
        store.upgrade()
        return store

    @cached_property
    def identity(self) -> Identity:
        """Who is who."""
        snapshot = self.settings.data_dir / "keys.json"
        return Identity(IdentityRecords(self.store), passwords=Passwords(), clock=self.clock, snapshot=snapshot)

    @cached_property
    def ledger(self) -> Ledger:
        """The signed log; its key is made on first use, outside every repository."""
        return Ledger(self.store, ensure_key(self.settings.config_dir), self.clock)

    @cached_property
    def desk(self) -> IncidentDesk:
        """What people do with incidents."""
        prober = SocketProber(self.settings.data_dir / "run", self._probe_token, DEFAULT_TENANT)
        containing = Containing(LeverFile(self.settings.data_dir / "levers.json", self.settings.data_dir / "journal"), prober, self.clock)
        captures = SqlCaptures(self.store, Sealer.open(self.settings.config_dir), self.clock)
        notary = LedgerNotary(self.ledger)
        cases = self.settings.data_dir / "cases"
        return IncidentDesk(self.incidents, containing, captures=captures, notary=notary, cases=cases, clock=self.clock)

    @cached_property
    def approvals(self) -> ApprovalDesk:
        """What people do with tool calls that wait for them."""
        files = FileApprovals.open(self.settings.data_dir / "approvals", self.settings.config_dir, self.clock)
        return ApprovalDesk(files, IdentityRecords(self.store).note, self.clock)

    def approval_load(self, tenant: str, *, since_us: int, until_us: int) -> ApprovalLoad:
        """Return how much work approvals made in a period; what the journals hold is taken over before."""
        self.look()
        return read_load(self.store, tenant, since_us=since_us, until_us=until_us)

    def revoke_delegation(self, tenant: str, block: str, *, by: Account, reason: str) -> Lever:
        """Revoke one block of a delegation token, in every worker; it is in the audit trail before it takes effect.

        Args:
            tenant: Whose token.
            block: The block's id.
            by: Who revokes it.
            reason: Why, without content.

        Raises:
            PermissionRefused: The account may not, in this tenant.
            InvalidInput: This is no id of a block, or the lever file is damaged.
        """
        require(Actor.of(by), "incident.contain", tenant)
        if not (block.isascii() and block.isalnum() and len(block) == _BLOCK_CHARS):
            raise InvalidInput("this is no id of a block", where="block", mend="see `fairlead delegation show`")
        now_us = self.clock.now_us()
        lever = Lever(id=new_id("lev"), kind="token", target=block, by=by.id, at_us=now_us, tenant=tenant, reason=reason)
        detail = {"lever": lever.id, "reason": reason}
        entry = AuditEntry(
            id=new_id("aud"), tenant=tenant, actor=by.id, action="delegation.revoke", target=block, at_us=now_us, detail=detail
        )
        IdentityRecords(self.store).note(entry)
        levers = LeverFile(self.settings.data_dir / "levers.json", self.settings.data_dir / "journal")
        levers.write(lambda pulled: (*pulled, lever))
        return lever

    @cached_property
    def incidents(self) -> SqlIncidents:
        """The records of incidents."""
        return SqlIncidents(self.store)

    @property
    def sources(self) -> Sources:
        """What cards, reports and KPIs are computed from."""
        return sql_sources(self.store, self.ledger, {self.ledger.key.key_id: self.ledger.key.public})

    def look(self) -> tuple[Incident, ...]:
        """Take over what the journals hold; returns the Incidents that are new."""
        journals = self.settings.data_dir / "journal"
        fold(self.store, journals, clock=self.clock)
        return watch(journals, self.incidents, self._programme, clock=self.clock)

    def keep_run(self, run: Run, *, tenant: str, system: str) -> None:
        """Store a run, sign it and append it to the ledger."""
        with self.store.write() as connection:
            add_run(connection, tenant, run)
        self._notary(tenant, system).attest_run(run)

    def keep_gate(self, result: GateResult, *, tenant: str, system: str) -> None:
        """Store the answer of a gate, sign it and append it to the ledger."""
        with self.store.write() as connection:
            add_gate(connection, tenant, result)
        self._notary(tenant, system).attest_gate(result)

    def put_policy_in_force(self, *, tenant: str, by: str) -> str:
        """Record and sign the Release that the policy file gives; a copy of the files is kept under its id.

        Args:
            tenant: Whose System it guards.
            by: Account or program that puts it in force.

        Returns:
            The Release's id.

        Raises:
            InvalidInput: A file is missing or invalid; nothing is recorded.
        """
        files = PolicyFiles(self._policy, self.settings.config_dir)
        release = files.compile(Registry.load())
        files.copy_to(self._kept(release.id))
        put_in_force(self.store, self.ledger, record_release(release, tenant=tenant, by=by, at_us=self.clock.now_us()))
        return release.id

    def keep_candidate(self, live: PolicyFiles, release_id: str, text: str) -> None:
        """Keep a copy of the files under the id of a candidate, so that its Decisions find its incident rules."""
        kept = self._kept(release_id)
        live.copy_to(kept)
        PolicyFiles(kept, self.settings.config_dir).replace(text)

    def receipt(self, tenant: str, exchange: str) -> bytes:
        """Return the signed receipt of what was looked at in an Exchange; what the journals hold of it is taken over first.

        Raises:
            NotFound: This tenant has no such Exchange.
            Unavailable: A journal can't be read: what it holds of the Exchange would be missing.
        """
        folded = fold(self.store, self.settings.data_dir / "journal", clock=self.clock)
        if folded.unreadable:
            what = "a journal can't be read, so the receipt could leave something out"
            raise Unavailable(what, where=folded.unreadable[0], mend="mend it first: `fairlead db status`")
        with self.store.read() as connection:
            found = decisions_of(connection, tenant, exchange)
        if not found:
            raise NotFound("this tenant has no such Exchange", where=exchange, mend="see the header x-fairlead-exchange of the answer")
        return sign_receipt(receipt_of(found, self.ledger.origin(tenant)), self.ledger.key, self.clock.now_us())

    def _notary(self, tenant: str, system: str) -> Notary:
        return Notary(self.ledger, self.clock, tenant=tenant, system=system)

    def _programme(self, decision: Decision) -> Programme:
        """What the policy behind a Decision says of incidents; of a Release that was not put in force here, the default rules hold."""
        known = self._programmes.get(decision.release)
        if known is None:
            known = self._programmes[decision.release] = self._read_programme(decision.release)
        return known

    def _read_programme(self, release_id: str) -> Programme:
        kept = self._kept(release_id)
        if not kept.exists():
            return Programme((), "")
        release = PolicyFiles(kept, self.settings.config_dir).compile(Registry.load())
        return Programme(release.incidents, release.policy.owner)

    def _kept(self, release_id: str) -> Path:
        return self.settings.data_dir / "releases" / release_id.replace(":", "-") / "fairlead.yaml"

    def _probe_token(self, tenant: str) -> str:
        if not IdentityRecords(self.store).has_tenant(tenant):
            raise NotFound("there is no such tenant to probe with", where=tenant, mend="name the incident's tenant")
        _, token = self.identity.create_key(
            LOCAL_OPERATOR, tenant, name=PROBE_KEY, scopes=("check", "chat"), lifetime_us=PROBE_KEY_LIFETIME_US
        )
        return token


def build_control_plane(settings: Settings, policy: Path = Path("fairlead.yaml")) -> ControlPlane:
    """Build the control plane.

    Args:
        settings: Where things are.
        policy: The policy file of the System that is worked on; read only where a command needs it.
    """
    return ControlPlane(settings, policy)
