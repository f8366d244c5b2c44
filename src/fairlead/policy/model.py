"""The documents of a policy file: what may stand there, and nothing else.

Every model refuses unknown keys and wrong kinds. What one part says about another (a rule's message, its upstream) is checked in
``policy.references``, so that all problems of a file are told at once, each with its line.
"""

import re
from collections.abc import Mapping
from typing import Annotated, Literal, Self, TypeAlias

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from fairlead.core import Action, Mode, Stage
from fairlead.detectors.remote import DEEP, KINDS, KindName
from fairlead.policy.addresses import served
from fairlead.policy.base import Document, Name, Names, Score, Share, Text, listed, sequence
from fairlead.policy.latency import LatencyDocument, ZoneDocument
from fairlead.policy.limits import LimitsDocument
from fairlead.policy.media import MediaDocument
from fairlead.policy.retrieval import RetrievalDocument

Severity = Literal["P0", "P1", "P2", "P3"]
Tier = Literal["minimal", "limited", "high"]
Label = Literal["user", "system", "developer", "tool", "selected", "endorsed", "const", "typed", "model", "quoted", "derived", "untrusted"]
"""Where a value of a tool call's arguments comes from.

``user``, ``system``, ``developer``: it stands in such a text. ``tool``: in a result that the manifest trusts. ``selected``: it is the id
of the one record that a trusted look-up returned. ``endorsed``: a person vouched for it. ``const``: the manifest lists it. ``typed``: only
a number, a date or a word of a list was taken over from data. ``model``: written by the model while it had seen nothing untrusted.
Everything else is ``untrusted``, and beside that ``quoted`` (it stands whole in data) or ``derived`` (it stands nowhere).
"""
ArgumentKind = Literal["string", "strings", "integer", "number", "boolean"]
ToolStage = Literal["tool_result", "retrieval"]
Otherwise = Literal["block", "require_approval"]
Effect = Literal["nothing", "reversible", "irreversible"]
"""What a tool changes in the world."""
Operator = Literal["placeholder", "mask", "partial", "hash", "pseudonym"]
"""What a redaction puts in place of an entity."""
Extractor = Literal["integer", "number", "date", "time", "listed"]
"""A declassifier: a value of this form carries so little that it may come out of data."""


_SECRET = re.compile(
    r"(env:[A-Za-z_][A-Za-z0-9_]*"
    r"|file:/[^\x00-\x1f]{1,4000}"
    r"|vault:[A-Za-z0-9][A-Za-z0-9_.-]*(/[A-Za-z0-9][A-Za-z0-9_.-]*)+#[A-Za-z0-9_.-]+"
    r"|aws:[A-Za-z0-9/_+=.@:-]{1,512}(#[A-Za-z0-9_.-]+)?"
    r"|azure:[A-Za-z0-9-]{3,24}/[A-Za-z0-9-]{1,127})\Z",
    re.ASCII,
)
"""What a reference to a secret looks like, by where it is kept."""


def _reference_to_secret(value: object) -> object:
    if isinstance(value, str) and _SECRET.match(value):
        return value
    mend = "write env:NAME, file:/path, vault:MOUNT/PATH#FIELD, aws:NAME#FIELD or azure:VAULT/NAME"
    raise PydanticCustomError("key", "a key never stands in a policy", {"mend": mend})


def _operator(value: object) -> object:
    if value == "synthetic":
        mend = "use 'hash' for a name that is the same each time, or 'placeholder'"
        raise PydanticCustomError(
            "operator", "'{operator}' is not for rules: nothing here keeps what it stands for", {"operator": value, "mend": mend}
        )
    return value


Stages: TypeAlias = Annotated[tuple[Stage, ...], BeforeValidator(listed), Field(min_length=1)]
Actions: TypeAlias = Annotated[tuple[Action, ...], BeforeValidator(listed), Field(min_length=1)]


class AzureDocument(Document):
    """A deployment of Azure OpenAI, asked by its data plane's dated API.

    Source: Microsoft Learn, "Azure OpenAI REST API reference" (read December 2026).
    """

    deployment: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
    """Name of the deployment; it decides about the model."""
    api_version: Annotated[str, StringConstraints(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}(-preview)?$")]
    """Version of the API, such as ``2024-10-21``."""


class UpstreamDocument(Document):
    """A model's server that requests may go to."""

    provider: Literal["openai", "anthropic"] = "openai"
    """Which API it speaks; servers that are compatible with it count."""
    model: str = ""
    """Model to ask for instead of the client's; empty leaves the client's."""
    models: Annotated[tuple[Text, ...], BeforeValidator(listed)] = ()
    """Names of models by which clients ask for this upstream; one that no upstream lists goes to the first that lists none."""
    base_url: Annotated[str, StringConstraints(pattern=r"^(https?://[^\s/?#@]+(/[^\s?#]*)?)?$"), AfterValidator(served)] = ""
    """Where its server is; empty for the provider's own."""
    key: Annotated[str, BeforeValidator(_reference_to_secret)] = ""
    """Where the key is: in a variable, a file or a store of secrets; it never stands in a policy itself."""
    azure: AzureDocument | None = None
    """The deployment of Azure OpenAI that it is; ``base_url`` names the resource."""
    translate: bool = False
    """Whether clients of the other provider's API may be answered by it: Chat Completions and Messages are translated."""
    timeout_s: Annotated[float, Field(gt=0, le=3600)] = 120
    """An upstream that sends nothing for so long is given up."""
    retries: Annotated[int, Field(ge=0, le=5)] = 0
    """How often it is asked again when it can't answer; a budget keeps all requests together from asking a fifth more."""
    fallback: Names = ()
    """Upstreams that are asked instead, in this order, when it does not answer; what its own entries say of fallbacks is not followed."""

    @model_validator(mode="after")
    def _azure_has_an_address(self) -> Self:
        if self.azure is not None and (self.provider != "openai" or not self.base_url):
            mend = "write base_url: https://<resource>.openai.azure.com, and leave 'provider' out"
            raise PydanticCustomError("azure", "a deployment of Azure OpenAI needs its resource's address", {"mend": mend})
        return self


class PointDocument(Document):
    """A threshold that the operator measured, and the false-positive rate that it kept."""

    max_fpr: Share
    threshold: Score
    on: Text
    """What it was measured on."""


class DetectorDocument(Document):
    """A model or service outside the process that rules may ask by its name here."""

    kind: KindName
    model: Annotated[str, Field(max_length=200)] = ""
    base_url: Annotated[str, StringConstraints(pattern=r"^https?://[^\s/?#@]+(/[^\s?#]*)?$"), AfterValidator(served)] = ""
    key: Annotated[str, BeforeValidator(_reference_to_secret)] = ""
    timeout_ms: Annotated[int, Field(ge=50, le=60_000)] = 2000
    """Time for all of a text; what has not answered by then is recorded as timed out."""
    window: Annotated[int, Field(ge=200, le=1_000_000)] | None = None
    """Characters that are sent in one piece."""
    labels: dict[Text, Name] = Field(default={})
    """Label of the model or service to hazard; instead of those that the kind has."""
    download: bool = False
    """Whether a model may be fetched when it is not on this machine."""
    points: Annotated[tuple[PointDocument, ...], BeforeValidator(sequence)] = ()

    @model_validator(mode="after")
    def _complete(self) -> Self:
        kind = KINDS[self.kind]
        own = bool(self.model or self.labels or self.points or self.window)
        for wrong, message, mend in (
            (self.kind == DEEP and own, f"'{DEEP}' brings its model and its card", "remove 'model', 'labels', 'points' and 'window'"),
            (kind.needs_model and not self.model, f"'{self.kind}' needs a model", "add 'model: its name, or the folder it is in'"),
            (kind.remote and not (self.base_url or kind.base_url), f"'{self.kind}' needs a server", "add 'base_url: https://…'"),
            (kind.needs_key and not self.key, f"'{self.kind}' needs a key", "add 'key: env:NAME'"),
            (not kind.remote and bool(self.base_url), f"'{self.kind}' is loaded here and asks no server", "remove 'base_url'"),
            (kind.remote and self.download, "'download' is for models that are loaded here", "remove 'download'"),
            (not self.labels and not kind.labels, f"'{self.kind}' has labels of its own", "add 'labels: {INJECTION: prompt_injection}'"),
        ):
            if wrong:
                raise PydanticCustomError("detector", message, {"mend": mend})
        return self


class RuleDocument(Document):
    """When these detectors see this at that Stage, do that."""

    id: Name
    at: Stages
    do: Action
    hazard: Name = ""
    entity: Names = ()
    detector: Names = ()
    """Only these detectors; all that can find the hazard by default."""
    threshold: Score | None = None
    max_fpr: Share | None = None
    """Highest false-positive rate that the rule may have, over all its detectors; resolved through their cards."""
    say: Name = ""
    """Key of the message that the client gets."""
    replacement: Text = Field(default="", alias="with")
    operator: Annotated[Operator | None, BeforeValidator(_operator)] = None
    """What ``redact`` puts there: a placeholder by default."""
    to: Name = ""
    """Upstream to route to."""
    mode: Mode = "enforce"
    near_miss_band: Score | None = None

    @property
    def looks_for(self) -> str:
        """What the rule is about in the policy's own words: the hazard, or entities and their groups."""
        return self.hazard or ", ".join(self.entity)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for wrong, message, mend in (
            (not self.hazard and not self.entity, "the rule says not what it looks for", "add 'hazard' or 'entity'"),
            (bool(self.hazard and self.entity), "the rule has both 'hazard' and 'entity'", "keep one; an entity names its hazard already"),
            (bool(self.entity and self.detector), "an entity is found by its pattern, not by 'detector'", "remove 'detector' or 'entity'"),
            (self.threshold is not None and self.max_fpr is not None, "the rule has both 'threshold' and 'max_fpr'", "keep one"),
            (bool(self.entity) and self.max_fpr is not None, "patterns have no false-positive rate to choose", "remove 'max_fpr'"),
            (self.do == "replace" and not self.replacement, "'do: replace' needs the text to put there", "add 'with: some text'"),
            (self.do != "replace" and bool(self.replacement), "'with' is only for 'do: replace'", "remove 'with', or use 'do: replace'"),
            (
                self.do != "redact" and self.operator is not None,
                "'operator' is only for 'do: redact'",
                "remove 'operator', or use 'do: redact'",
            ),
            (
                self.operator == "pseudonym" and bool({"output", "tool_call"}.intersection(self.at)),
                "a pseudonym is put on the way up and undone on the way down",
                "use 'pseudonym' at the stages of a request, and a rule of its own for 'output' and 'tool_call'",
            ),
            (self.do == "route" and not self.to, "'do: route' needs an upstream", "add 'to: name of an upstream'"),
            (self.do != "route" and bool(self.to), "'to' is only for 'do: route'", "remove 'to', or use 'do: route'"),
            (self.do == "route" and "output" in self.at, "a response can't be routed", "use 'route' at the stages of a request"),
            (
                self.do == "require_approval" and self.at != ("tool_call",),
                "only a tool call can wait for an approval",
                "use 'at: tool_call', or another 'do'",
            ),
        ):
            if wrong:
                raise PydanticCustomError("rule", message, {"mend": mend})
        return self


Scalar: TypeAlias = str | int | bool
Domain: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]+(\.[a-z0-9-]+)+$")]


class Constraint(Document):
    """What one argument of a tool call must be."""

    domain_in: tuple[Domain, ...] | None = Field(default=None, min_length=1)
    """Every e-mail address in it has one of these domains, exactly."""
    equals: Scalar | None = None
    one_of: tuple[str, ...] | tuple[int, ...] | None = Field(default=None, min_length=1)
    max: int | float | None = None
    min: int | float | None = None
    max_length: Annotated[int, Field(ge=0)] | None = None
    """Characters of a text, entries of a list."""
    like: Text | None = None
    """Cedar's ``like``: ``*`` stands for any characters."""
    optional: bool = False
    """True when the argument may be missing."""

    @model_validator(mode="before")
    @classmethod
    def _lists(cls, value: object) -> object:
        if not isinstance(value, Mapping):
            return value
        return {key: sequence(item) for key, item in value.items()}

    @model_validator(mode="after")
    def _bounds(self) -> Self:
        for bound in (self.max, self.min):
            if bound is not None and not _scaled_exactly(bound):
                raise PydanticCustomError("bound", "a bound has at most four decimals", {"mend": "round it, and keep it below 10^14"})
        return self


def _scaled_exactly(bound: float) -> bool:
    return abs(bound) < 10**14 and round(bound, 4) == bound


class WhenDocument(Document):
    """What the arguments of a tool call must be for it to be allowed: argument name to :class:`Constraint`."""

    model_config = ConfigDict(extra="allow", frozen=True, strict=True)
    __pydantic_extra__: dict[str, Constraint]

    provenance: dict[str, Annotated[tuple[Label, ...], BeforeValidator(listed), Field(min_length=1)]] = Field(default={})
    """Argument to the origins that its values may come from."""

    @property
    def constraints(self) -> Mapping[str, Constraint]:
        """Argument name to its constraint."""
        return self.__pydantic_extra__


Intent: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[^\W_]+([ |][^\W_]+)*$", max_length=160)]
"""Beginnings of words that must all stand in the user's text, such as ``invite`` or ``add|put channel|group``."""


class RecordsDocument(Document):
    """How a tool's JSON results are made of records."""

    ids: dict[str, Name]
    """Field to the kind of id in it: ids are trusted only where the same kind is taken."""
    by: Names = ()
    """Fields by which a trusted text can single out one record of several, such as a title."""


class BudgetDocument(Document):
    """What a Trajectory may spend on one tool; counted before the call, and given back if it was not made."""

    calls: Annotated[int, Field(ge=1)] | None = None
    total: dict[str, int | float] = Field(default={})
    """Argument to the largest sum of its values."""


class ToolDocument(Document):
    """What one tool may be called with, and what its results are worth. Tools that are not listed are denied."""

    tool: Name
    allow: bool | None = None
    when: WhenDocument | None = None
    otherwise: Otherwise = Field(default="block", alias="else")
    outputs: Literal["trusted", "untrusted"] = "untrusted"
    stage: ToolStage = "tool_result"
    critical: Names = ()
    """Arguments whose values an attacker would want to choose: unless ``provenance`` says otherwise, only trusted origins will do."""
    does: Effect | None = None
    """What a call changes; unknown counts as irreversible."""
    private: bool = False
    """True when the outputs are not for everyone's eyes."""
    readers: Annotated[tuple[Domain, ...], BeforeValidator(listed)] = ()
    """Whose mail domains may read the private outputs."""
    egress: Names = ()
    """Arguments that say to whom or where data leaves."""
    intent: Annotated[tuple[Intent, ...], BeforeValidator(listed)] = ()
    """Words of the user that ask for this tool; once the model has read untrusted text, it needs one of them."""
    takes: dict[str, Name] = Field(default={})
    """Argument to the kind of id that it takes, such as ``file_id: file``."""
    records: RecordsDocument | None = None
    """What a result's records are, so that an id in the only one that fits is ``selected``."""
    constants: Names = ()
    """Words of the tool's own format that may stand in its arguments."""
    content: Literal["checked", "any"] = "checked"
    """Whether addresses and account numbers that stand inside of other arguments must come from where the user can vouch for them."""
    declassify: dict[str, Extractor] = Field(default={})
    """Argument to the form in which a value may come out of data, as ``typed``."""
    budget: BudgetDocument | None = None
    """Most calls and sums in one Trajectory."""
    arguments: dict[str, ArgumentKind] | None = None
    """When given, the call may have these arguments only, of these kinds."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.allow is False and self.when is not None:
            raise PydanticCustomError("tool", "'allow: false' and 'when' contradict each other", {"mend": "keep one of them"})
        return self


class EntityDocument(Document):
    """An entity of the policy's own, beside those that are built in."""

    name: Name
    pattern: Text | None = None
    """Regular expression in the part of the syntax that RE2 and Python share; without look-arounds and back-references."""
    words: Annotated[tuple[Text, ...], BeforeValidator(listed)] = ()
    """Words or phrases to find instead of a pattern, whatever their case."""
    checksum: Name = ""
    """Name of a check that it must pass, such as ``luhn``."""
    context: Annotated[tuple[Text, ...], BeforeValidator(listed)] = ()
    """Words one of which must stand shortly before it."""
    hazard: Literal["pii", "secret"] = "pii"

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.pattern is None) is not bool(self.words):
            raise PydanticCustomError("entity", "an entity has either a 'pattern' or 'words'", {"mend": "keep one of them"})
        return self


ServerName: TypeAlias = Annotated[str, StringConstraints(pattern=r"^[a-z0-9](-?[a-z0-9])*$", max_length=32)]
"""Name of an MCP server; without an underscore, so that ``server__tool`` can be read in one way only."""
Reach: TypeAlias = Literal["refuse", "guard"]


class McpServerDocument(Document):
    """An MCP server behind the gateway: a command that is started, or a URL that is asked."""

    command: Annotated[tuple[Text, ...], BeforeValidator(sequence)] = ()
    """Program and arguments; spoken to over its standard input and output."""
    env: dict[
        Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")], Annotated[str, BeforeValidator(_reference_to_secret)]
    ] = Field(default={})
    """Variables that the command gets beside a bare minimum, each ``env:NAME``."""
    url: Annotated[str, StringConstraints(pattern=r"^(https?://[^\s/?#@]+(/[^\s?#]*)?)?$"), AfterValidator(served)] = ""
    """Where it serves streamable HTTP."""
    key: Annotated[str, BeforeValidator(_reference_to_secret)] = ""
    """``env:NAME`` of the bearer token for it; what a client sends never goes there."""
    timeout_ms: Annotated[int, Field(ge=50, le=600_000)] = 30_000
    """Time for an answer."""
    resources: Reach = "refuse"
    prompts: Reach = "refuse"
    """Whether clients may read them, guarded as retrieved texts."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for wrong, message, mend in (
            (bool(self.command) is bool(self.url), "a server has either a 'command' or a 'url'", "keep one of them"),
            (bool(self.command) and bool(self.key), "'key' is for a server with a 'url'", "hand it to the command through 'env'"),
            (bool(self.url) and bool(self.env), "'env' is for a server with a 'command'", "remove 'env'"),
        ):
            if wrong:
                raise PydanticCustomError("server", message, {"mend": mend})
        return self


class McpDocument(Document):
    """The MCP servers behind the gateway, and which API key may use which of their tools."""

    servers: Annotated[dict[ServerName, McpServerDocument], Field(min_length=1)]
    keys: dict[Name, Names] | None = None
    """Name or id of an API key to the tools that it may see and call; without it, every key may use every tool that the policy lists."""


class IncidentWhen(Document):
    """Which Decisions open an Incident."""

    stage: Stages | None = None
    action: Actions | None = None
    hazard: Names = ()
    rule: Names = ()
    tool: Names = ()


class IncidentDocument(Document):
    """A Decision like this opens an Incident of that severity."""

    id: Name
    when: IncidentWhen
    severity: Severity


class PolicyDocument(Document):
    """A whole ``fairlead.yaml``."""

    fairlead: Literal[1]
    """Version of the file's format."""
    system: Name
    owner: Name
    tier: Tier
    mode: Mode = "enforce"
    capture: Literal["none", "sealed_on_finding", "sealed_sample"] = "none"
    capture_share: Score = 0.01
    audit: Literal["strict", "relaxed"] = "strict"
    unknown: Literal["block", "scan", "allow"] = "block"
    hold_cap: Literal["block", "pass"] = "block"
    on_error: Literal["closed", "open"] | None = None
    near_miss_band: Score = 0.1
    upstream: dict[Name, UpstreamDocument] = Field(default={})
    detectors: dict[Name, DetectorDocument] = Field(default={})
    upstreams: Names | None = None
    """Upstreams that may be asked; all by default."""
    regions: dict[Name, Names] = Field(default={})
    """Region to its tenants, for overlays."""
    store: Names | None = None
    """Regions in which an installation may keep the records; anywhere by default."""
    retention_days: Annotated[int, Field(ge=1, le=36_500)] | None = None
    """Sealed captures that are older are forgotten."""
    rules: Annotated[tuple[RuleDocument, ...], BeforeValidator(sequence)] = ()
    entities: Annotated[tuple[EntityDocument, ...], BeforeValidator(sequence)] = ()
    tools: Annotated[tuple[ToolDocument, ...], BeforeValidator(sequence)] = ()
    mcp: McpDocument | None = None
    retrieval: RetrievalDocument | None = None
    media: MediaDocument = MediaDocument()
    limits: LimitsDocument = LimitsDocument()
    latency: LatencyDocument = LatencyDocument()
    cascade: dict[Name, ZoneDocument] = Field(default={})
    """Hazard to where the grey zone of its fast detectors begins; without an entry its dear detectors are always asked."""
    pseudonym_ttl_s: Annotated[int, Field(ge=1, le=2_592_000)] = 3600
    """How long what a pseudonym stands for is kept since it was last used."""
    messages: dict[Name, Text] = Field(default={})
    incidents: Annotated[tuple[IncidentDocument, ...], BeforeValidator(sequence)] = ()
