"""The composition root of the data plane: a policy file in, a guard that can serve out. No SQL, no web framework."""

import hmac
from collections.abc import Callable
from contextlib import ExitStack
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import msgspec

from fairlead.agents import (
    ApprovalStore,
    Broker,
    Delegations,
    FileApprovals,
    FileMemory,
    KeptApproval,
    Memory,
    MemoryApprovals,
    MemoryLabels,
    MemoryTrajectories,
    asked_entry,
)
from fairlead.config import Settings, secret_from_environment
from fairlead.core import Decision, FairleadError, InvalidInput, SystemClock, canonical_bytes
from fairlead.detectors import Operators, Registry
from fairlead.guard import (
    AskLimits,
    FileLevers,
    FileLimits,
    LimitAnswer,
    LimitStore,
    MediaReader,
    MemoryVault,
    Ports,
    ResidencyRefused,
    begin_levers,
)
from fairlead.identity import ApiKey, Doorkeeper, KeyRing, Scope
from fairlead.integrations import ApprovalBell, Delegation, KeptSecrets, RedisLimits, otlp_exporter
from fairlead.integrations.reading import readers_of
from fairlead.integrations.remote import RemoteRunner
from fairlead.journal import Fingerprinter, Journal, Record, Sealer, installation_key, journals
from fairlead.policy import Release
from fairlead.telemetry import ExchangeTrace, Telemetry
from fairlead.wire import Api
from fairlead.wiring.policy_files import LastGood, PolicyFiles, PolicyTexts
from fairlead.wiring.secrets import Secrets, read_secret, references_of, secrets_of
from fairlead.wiring.serving import Serving, with_variants
from fairlead.wiring.trials import TRIALS_FILE
from fairlead.wiring.trying import Trying
from fairlead.wiring.upstreams import Upstream, models_of, route_of, upstream_of

OPERATOR_KEY = "operators.key"
"""File of the installation's key for hashes in redacted texts, in the folder of keys."""


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """What ``/readyz`` tells."""

    ready: bool
    release: str
    worker: str
    policy_errors: int
    """How often a new policy was refused since the start."""
    policy_problem: str
    """Code of the last refusal; empty when the file in place is the one that is served."""
    levers_unreadable: int
    canary: str
    """Release that decides for its share of callers; empty when there is none."""
    shadow: str
    """Release that is tried beside the live one; empty when there is none."""
    trial_problem: str
    """Code of why a trial that was started does not run here; empty otherwise."""
    messages_unsent: int
    """Messages about approvals that could not be sent; the questions wait in the inbox all the same."""


class DataPlane:
    """Everything that a gateway worker or the SDK needs; built once per process by :func:`build_data_plane`."""

    def __init__(self, loaded: "Loaded", registry: Registry, parts: "Parts") -> None:
        self._files = loaded.files
        self._stamp = loaded.stamp
        self._last_good = loaded.last_good
        self._registry = registry
        self._parts = parts
        self.worker = parts.worker
        self.journal, self.sealer = parts.journal, parts.sealer
        self.stores = parts.stores
        self._policy_errors = 1 if loaded.problem else 0
        self._policy_problem = loaded.problem
        self.serving = self.serve(loaded.release)
        self.trying = Trying(parts.trials, self, parts.journal, parts.clock, parts.telemetry)
        """Policies that are tried beside the live one; a gateway has it look at its file, an SDK does not."""
        self._door = Doorkeeper(parts.keys, parts.clock, parts.telemetry.observe_refused_key)
        self.in_hand = 0
        """Requests that the gateway is answering now; an SDK says nothing of its application's loop, so it stays 0 there."""

    def authenticate(self, token: str, scope: Scope, source: str) -> ApiKey:
        """Return the key that a client's token stands for, as :meth:`Doorkeeper.authenticate` says; ``source`` is the client's address.

        Raises:
            KeyRefused: No such key, expired, revoked, without the scope, or not looked at: too many unknown ones came from there.
        """
        return self._door.authenticate(token, scope, source)

    def serving_for(self, tenant: str, key: str = "", *, api: str = "", model: str = "") -> Serving:
        """Return what decides about a new Exchange of a caller: the canary's if the caller is drawn for it, else the live one.

        Args:
            tenant: Whose Exchange.
            key: Id of the API key, if there is one.
            api: Name of the API that is spoken, if one is.
            model: The model that is asked for, if it is known by now.

        Raises:
            ResidencyRefused: By the overlays that are for it, its records may not be kept here.
        """
        serving = self.trying.canary_for(tenant, key) or self.serving
        if serving.release.chooser is None:
            return serving
        names = serving.release.chooser.names(tenant, api, model, self._parts.region)
        serving = serving.variants.get(names, serving)
        if serving.misplaced:
            raise ResidencyRefused("the records of this request may not be kept here", mend="send it to an installation of its region")
        return serving

    def policy_changed(self) -> bool:
        """Tell whether the policy's files changed since they were last read."""
        return self._files.stamp() != self._stamp

    def reload(self) -> None:
        """Take the policy's files over, at once for all new Exchanges.

        Raises:
            InvalidInput: They are invalid, or ask for another journal; the last good Release stays in force, and the refusal is counted.
        """
        self._stamp = self._files.stamp()
        try:
            texts = self._files.read()
            release = self.compile(texts)
            self._last_good.keep(texts)
            self.serving = self.serve(release)
        except FairleadError as error:
            self._refuse(error)
            raise
        except Exception as error:
            # Whatever a file does to a parser, it must not end the watch over the files.
            refused = InvalidInput("the policy can't be compiled", mend="run `fairlead policy check`")
            self._refuse(refused)
            raise refused from error
        self._policy_problem = ""

    def upstream(self, serving: Serving, route: str) -> Upstream:
        """Return where a route leads, its key read now, so that a rotated key needs no restart.

        Raises:
            Unavailable: The route's key is not set.
            UpstreamRefused: The policy does not let it be asked.
        """
        return upstream_of(serving.release, route, self.secret)

    def route(self, serving: Serving, api: Api, model: str) -> str:
        """Return the route of a request that no rule routes, as :func:`route_of` says."""
        return route_of(serving.release, api, model)

    def models(self) -> list[dict[str, str]]:
        """Return what ``/v1/models`` lists."""
        return models_of(self.serving.release)

    def observe(self, decision: Decision) -> None:
        """Count a Decision; no content can get in."""
        self._parts.telemetry.observe(decision)

    def observe_upstream(self, name: str, outcome: str) -> None:
        """Count how an upstream was asked."""
        self._parts.telemetry.observe_upstream(name, outcome)

    def traced(self, exchange: str) -> bool:
        """Tell whether an Exchange is traced, so that nothing is collected for one that is not."""
        return self._parts.telemetry.traced(exchange)

    def trace(self, trace: ExchangeTrace) -> None:
        """Send the span of an Exchange that has ended; no content can get in."""
        self._parts.telemetry.trace(trace)

    def now_us(self) -> int:
        """Return the wall time in microseconds."""
        return self._parts.clock.now_us()

    def metrics(self) -> bytes:
        """Return the Prometheus exposition."""
        return self._parts.telemetry.exposition()

    def health(self) -> Health:
        """Return the truth about this worker."""
        return Health(
            ready=True,
            release=self.serving.release.id,
            worker=self.worker,
            policy_errors=self._policy_errors,
            policy_problem=self._policy_problem,
            levers_unreadable=self._parts.levers.unreadable,
            canary=self.trying.canary,
            shadow=self.trying.shadow,
            trial_problem=self.trying.problem,
            messages_unsent=self._parts.bell.unsent if self._parts.bell is not None else 0,
        )

    def close(self) -> None:
        """Flush and close the journal, and what else is open."""
        try:
            self.trying.close()
            self.journal.close()
        finally:
            self.sealer.close()
            self._parts.telemetry.close()
            self._parts.remote.close()
            self._parts.stores.close()
            self._parts.limits.close()
            if self._parts.bell is not None:
                self._parts.bell.close()

    def compile(self, texts: PolicyTexts) -> Release:
        """Compile what the policy's files hold, for this process.

        Raises:
            InvalidInput: It is invalid, or asks for another journal.
        """
        release = self._files.compile(self._registry, texts)
        if (release.policy.audit == "strict") != self.journal.strict:
            mend = "restart the gateway, or set it back"
            raise InvalidInput("'audit' can't change while the journal is open", where=self._files.policy.name, mend=mend)
        _require_residence(release, self._parts.region, self._files.policy.name)
        return release

    def serve(self, release: Release) -> Serving:
        """Return what decides by a Release, with everything that this process shares."""
        return with_variants(release, self._serve)

    def serve_beside(self, release: Release) -> Serving:
        """Return what decides by a Release without a side effect: it spends no limit, asks nobody, and keeps its own Trajectories."""
        return with_variants(release, self._serve_beside)

    def _serve_beside(self, release: Release) -> Serving:
        parts = self._parts
        broker = Broker(
            release,
            MemoryApprovals(parts.clock),
            trajectories=MemoryTrajectories(parts.clock),
            stored=MemoryLabels(),
            memory=parts.memory,
        )
        return self._serving(release, broker, _NoLimits())

    def _refuse(self, error: FairleadError) -> None:
        self._policy_errors += 1
        self._policy_problem = error.code

    def _serve(self, release: Release) -> Serving:
        parts = self._parts
        broker = Broker(
            release,
            parts.approvals,
            trajectories=parts.trajectories,
            stored=parts.stored,
            memory=parts.memory,
            delegations=parts.delegations,
        )
        return self._serving(release, broker, parts.limits)

    def _serving(self, release: Release, broker: Broker, limits: LimitStore) -> Serving:
        parts = self._parts
        parts.stores.prepare(references_of(release))
        parts.remote.prepare(remote for remotes in release.remotes.values() for remote in remotes)
        ports = Ports(
            clock=parts.clock,
            levers=parts.levers,
            limits=limits,
            broker=broker,
            fingerprint=parts.fingerprint,
            remote=parts.remote,
            vault=parts.vault,
            media=readers_of(release.policy.media, parts.audio),
        )
        tools = frozenset(tool.name for tool in release.tools if tool.stage == "retrieval")
        return Serving(
            release=release,
            ports=ports,
            broker=broker,
            retrieval_tools=tools,
            misplaced=not _may_reside(release, parts.region),
            operators=parts.operators,
        )

    def secret(self, reference: str) -> str:
        """Return the secret that a policy refers to, read now.

        Raises:
            Unavailable: It is not set.
        """
        return read_secret(reference, self._parts.secrets)


def _may_reside(release: Release, region: str) -> bool:
    return release.policy.store is None or region in release.policy.store


def _require_residence(release: Release, region: str, where: str) -> None:
    """Refuse a base whose records may be kept nowhere near here; of an overlay only the requests are refused that it is for.

    Raises:
        InvalidInput: The region of this installation is not among those of ``store``.
    """
    if not _may_reside(release, region):
        told = f"'{region}'" if region else "no region that is known"
        mend = "set FAIRLEAD_REGION to where the data folder and the database are, or add it to 'store'"
        raise InvalidInput(f"the policy's records may not be kept in {told}", where=where, mend=mend)


class _NoLimits:
    """Lets everything pass and counts nothing."""

    def spend(self, ask: AskLimits, monotonic_us: int) -> LimitAnswer:  # noqa: ARG002 - the port's signature
        return LimitAnswer(at=(0,) * len(ask.charges))

    def waiting(self, ask: AskLimits) -> None:  # noqa: ARG002 - as above
        return None


class Loaded(msgspec.Struct, frozen=True, kw_only=True):
    """What a process starts to serve, and what it watches."""

    files: PolicyFiles
    stamp: tuple[tuple[int, int], ...]
    """Of the files when they were read."""
    last_good: LastGood
    release: Release
    problem: str = ""
    """Code of why the files were refused, when it is the last good policy that is served."""


class Parts(msgspec.Struct, frozen=True, kw_only=True):
    """The built objects that outlive a Release."""

    worker: str
    clock: SystemClock
    journal: Journal
    sealer: Sealer
    fingerprint: Fingerprinter
    levers: FileLevers
    approvals: ApprovalStore
    trajectories: MemoryTrajectories
    stored: MemoryLabels
    memory: Memory
    delegations: Delegations | None
    limits: FileLimits | RedisLimits
    trials: Path
    """File of the policies that are tried."""
    vault: MemoryVault
    keys: KeyRing
    telemetry: Telemetry
    remote: RemoteRunner
    bell: ApprovalBell | None
    audio: MediaReader | None
    secrets: Secrets
    stores: KeptSecrets
    region: str
    """Where this installation keeps its records; empty when nobody said."""
    operators: Callable[[str], Operators]


def build_data_plane(settings: Settings, policy: Path, worker: str, *, resume: bool = False, audio: MediaReader | None = None) -> DataPlane:
    """Build the data plane of one process.

    Args:
        settings: Where things are.
        policy: The policy file, ``fairlead.yaml``.
        worker: Name of this process's journal, such as ``worker-0``.
        resume: True for a worker that a supervisor starts again: if the file has become bad meanwhile, the policy that was served
            last stays in force (law 7). A person who starts a gateway is told what is wrong instead.
        audio: Who hears recordings, for a policy with ``media: {audio: port}``.

    Raises:
        InvalidInput: The policy is invalid, or the lever file is damaged.
        LeversGone: Something was served from this folder before, and its lever file is gone.
        ReaderMissing: Who the policy lets read images or recordings is not here.
        Unavailable: The journal can't be opened.
    """
    clock = SystemClock()
    registry = Registry.load()
    files = PolicyFiles(policy.absolute(), settings.config_dir)
    loaded = _load(files, LastGood(settings.data_dir / "policies", files), registry, resume=resume)
    strict = loaded.release.policy.audit == "strict"
    levers, folder = settings.data_dir / "levers.json", settings.data_dir / "journal"
    begin_levers(levers, served=bool(journals(folder)))
    with ExitStack() as undo:
        journal = Journal.open(folder / f"{worker}.db", strict=strict, clock=clock)
        undo.callback(journal.close)
        sealer = Sealer.open(settings.config_dir)
        undo.callback(sealer.close)
        stores = KeptSecrets.of_stores(secret_from_environment, clock)
        undo.callback(stores.close)
        secrets = secrets_of(secret_from_environment, stores.read)
        remote = RemoteRunner(secrets)
        undo.callback(remote.close)
        limits = _limits(settings, clock, undo)
        bell = _bell(settings)
        if bell is not None:
            undo.callback(bell.close)
        exporter = otlp_exporter(settings.otlp_endpoint) if settings.otlp_endpoint else None
        fingerprint, pulled = Fingerprinter.open(settings.config_dir), FileLevers(levers)
        parts = Parts(
            worker=worker,
            clock=clock,
            journal=journal,
            sealer=sealer,
            fingerprint=fingerprint,
            levers=pulled,
            approvals=FileApprovals.open(settings.data_dir / "approvals", settings.config_dir, clock, _asking(journal, bell)),
            trajectories=MemoryTrajectories(clock),
            stored=MemoryLabels(),
            delegations=_delegations(settings, pulled, clock),
            memory=Memory(FileMemory(settings.data_dir / "memory", fingerprint), fingerprint, levers=pulled, clock=clock),
            limits=limits,
            trials=settings.data_dir / TRIALS_FILE,
            vault=MemoryVault(),
            keys=KeyRing.load(settings.data_dir / "keys.json"),
            telemetry=Telemetry(sample=settings.trace_sample, exporter=exporter),
            remote=remote,
            bell=bell,
            audio=audio,
            secrets=secrets,
            stores=stores,
            region=settings.region,
            operators=_operators(installation_key(settings.config_dir / OPERATOR_KEY)),
        )
        plane = DataPlane(loaded, registry, parts)
        _require_residence(loaded.release, settings.region, files.policy.name)
        undo.pop_all()
    return plane


def _limits(settings: Settings, clock: SystemClock, undo: ExitStack) -> FileLimits | RedisLimits:
    """Return what counts the limits: for all machines where there is a Redis, else for all processes of the data folder."""
    limits = RedisLimits(settings.redis_url) if settings.redis_url else FileLimits.open(settings.data_dir / "limits", clock)
    undo.callback(limits.close)
    return limits


def _bell(settings: Settings) -> ApprovalBell | None:
    if not settings.approval_webhook:
        return None
    return ApprovalBell(settings.approval_webhook, settings.console_url, settings.webhook_networks.split(","))


def _delegations(settings: Settings, levers: FileLevers, clock: SystemClock) -> Delegations | None:
    """Return what reads tokens; None where the extra is not installed, and then a call that brings one is blocked."""
    if find_spec("biscuit_auth") is None:
        return None
    return Delegation.open(settings.config_dir, levers, clock)


def _asking(journal: Journal, bell: ApprovalBell | None) -> Callable[[KeptApproval], None]:
    """Return what keeps a question to people in the audit trail, durably, and tells them."""

    def record(asked: KeptApproval) -> None:
        entry = asked_entry(asked)
        journal.commit([Record(kind="audit", id=entry.id, body=canonical_bytes(entry))])
        if bell is not None:
            bell.ring(asked)

    return record


def _operators(key: bytes) -> Callable[[str], Operators]:
    """Return what gives each tenant operators under a key of its own: two tenants' hashes of one value don't meet."""

    @cache
    def of(tenant: str) -> Operators:
        return Operators(hmac.digest(key, tenant.encode("utf-8", "surrogatepass"), "sha256"))

    return of


def _load(files: PolicyFiles, last_good: LastGood, registry: Registry, *, resume: bool) -> Loaded:
    stamp = files.stamp()
    try:
        texts = files.read()
        release = files.compile(registry, texts)
    except InvalidInput as error:
        kept = last_good.texts() if resume else None
        if kept is None:
            raise
        release = files.compile(registry, kept)
        return Loaded(files=files, stamp=stamp, last_good=last_good, release=release, problem=error.code)
    last_good.keep(texts)
    return Loaded(files=files, stamp=stamp, last_good=last_good, release=release)
