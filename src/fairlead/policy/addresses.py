"""Addresses that no policy may name: the link-local ones, at which clouds hand out a machine's own credentials."""

import ipaddress
from urllib.parse import urlsplit

from pydantic_core import PydanticCustomError

_AWS = ipaddress.ip_network("fd00:ec2::/32")
"""Where Amazon's metadata are beside 169.254.169.254 (EC2 user guide, "Instance metadata", November 2026)."""


def served(value: str) -> str:
    """Return a URL whose host may be asked.

    Args:
        value: A URL; a host that is a name is looked at when it is asked.

    Raises:
        PydanticCustomError: It is a link-local address.
    """
    host = (urlsplit(value).hostname or "").partition("%")[0]
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return value
    mapped = getattr(address, "ipv4_mapped", None) or address
    if mapped.is_link_local or address in _AWS:
        mend = "name the server's own address; private networks such as 10.0.0.0/8 are fine"
        raise PydanticCustomError("address", "no model is served at a link-local address", {"mend": mend})
    return value
