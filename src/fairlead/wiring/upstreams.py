"""Where requests go: the upstreams of a policy, and which of them a request is for."""

from collections.abc import Callable, Mapping

import msgspec

from fairlead.guard import UpstreamRefused
from fairlead.policy import Release
from fairlead.wire import TRANSLATIONS, Api, Provider

BASE_URLS: Mapping[Provider, str] = {"openai": "https://api.openai.com/v1", "anthropic": "https://api.anthropic.com/v1"}
"""Where a provider's own servers are."""


KEY_HEADERS: Mapping[Provider, str] = {"anthropic": "x-api-key"}
"""Header for the key of a provider that wants no bearer's token."""
DEPLOYED = frozenset({"/chat/completions", "/embeddings"})
"""Paths that a deployment of Azure OpenAI has."""


class Upstream(msgspec.Struct, frozen=True, kw_only=True):
    """Where a request goes, resolved."""

    base_url: str
    key: str
    model: str
    """Model to ask for instead of the client's; empty leaves the client's."""
    provider: Provider = "openai"
    """Whose API it speaks."""
    timeout_s: float = 120
    """Given up when it sends nothing for so long."""
    query: str = ""
    """What stands behind each path, with its question mark."""
    key_header: str = ""
    """Header that holds the key as it is; empty for a bearer's token."""


def speaks(release: Release, route: str, api: Api) -> bool:
    """Tell whether an upstream can answer clients of an API, in its own words or translated."""
    document = release.policy.upstream[route]
    if document.provider != api.provider:
        return document.translate and api.name in TRANSLATIONS
    return document.azure is None or api.path in DEPLOYED


def upstream_of(release: Release, route: str, secret: Callable[[str], str]) -> Upstream:
    """Return where a route leads, its key read now, so that a rotated key needs no restart.

    Raises:
        Unavailable: The route's key is not set.
        UpstreamRefused: The policy does not let it be asked.
    """
    if not release.may_ask(route):
        raise UpstreamRefused("the policy does not permit this upstream", where=route, mend="permit it under 'upstreams'")
    document = release.policy.upstream[route]
    key = secret(document.key) if document.key else ""
    base_url = (document.base_url or BASE_URLS[document.provider]).rstrip("/")
    azure = document.azure
    if azure is not None:
        base_url = f"{base_url}/openai/deployments/{azure.deployment}"
    return Upstream(
        base_url=base_url,
        key=key,
        model=document.model or "",
        provider=document.provider,
        timeout_s=document.timeout_s,
        query=f"?api-version={azure.api_version}" if azure is not None else "",
        key_header="api-key" if azure is not None else KEY_HEADERS.get(document.provider, ""),
    )


def route_of(release: Release, api: Api, model: str) -> str:
    """Return the route of a request that no rule routes.

    Args:
        release: What decides about it.
        api: What the client speaks.
        model: What the client asks for.

    Returns:
        Of the upstreams that speak the API the one that lists the model, else the first that lists none, else the first; those that
        are translated for come after those that speak it themselves; the default one when there is none.

    Raises:
        UpstreamRefused: The policy lets none be asked that speaks the API, or has the model only where it lets nobody ask.
    """
    able = [(name, document) for name, document in release.policy.upstream.items() if speaks(release, name, api)]
    speaking = dict(sorted(able, key=lambda one: one[1].provider != api.provider))
    if release.policy.upstreams is not None:
        permitted = {name: document for name, document in speaking.items() if release.may_ask(name)}
        elsewhere = any(model in document.models for document in speaking.values())
        if not permitted or (elsewhere and not any(model in document.models for document in permitted.values())):
            raise UpstreamRefused("the policy permits no upstream for this request", mend="ask for a model that is served where it may be")
        speaking = permitted
    listing = next((name for name, document in speaking.items() if model in document.models), "")
    open_to_all = next((name for name, document in speaking.items() if not document.models), "")
    return listing or open_to_all or next(iter(speaking), "default")


def models_of(release: Release) -> list[dict[str, str]]:
    """Return what ``/v1/models`` lists: the names by which clients ask, and the models that the policy pins where it has none."""
    upstreams = release.policy.upstream.values()
    names = {name for upstream in upstreams for name in upstream.models or (upstream.model,) if name}
    return [{"id": name, "object": "model", "owned_by": "fairlead"} for name in sorted(names)]
