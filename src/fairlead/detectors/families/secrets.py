"""Credentials that a fixed prefix or a telling context gives away. Examples are made up and open nothing."""

import re

from fairlead.detectors.model import Pattern, Validator

_LEFT, _RIGHT = r"(?<![A-Za-z0-9_])", r"(?![A-Za-z0-9_])"
_WORD = "a1B2c3D4e5F6g7H8i9J0"


def mixed_length(candidate: str) -> int:
    """Return the candidate's length if it mixes digits with both cases of letters, as random keys do and words don't."""
    kinds = (str.isdigit, str.isupper, str.islower)
    return len(candidate) if all(any(kind(character) for character in candidate) for kind in kinds) else 0


def assigned_length(candidate: str) -> int:
    """Return the candidate's length if what is assigned looks chosen, not like a word: letters with digits, or with a symbol inside."""
    value = _ASSIGNED.split(candidate, maxsplit=1)[-1].rstrip(".,!")
    letters = any(character.isalpha() for character in value)
    digits = any(character.isdigit() for character in value)
    symbols = any(character in "!#$%&*+^~@" for character in value)
    return len(candidate) if letters and (digits or symbols) and len(value) >= 8 else 0


_ASSIGNED = re.compile(r"""['"]?\s{0,3}[:=]\s{0,3}['"]?""", re.ASCII)


def _secret(name: str, expression: str, source: str, example: str, counter: str, validator: Validator | None = None) -> Pattern:
    return Pattern(name=name, hazard="secret", expression=expression, source=source, example=example, counter=counter, validator=validator)


PATTERNS: tuple[Pattern, ...] = (
    _secret("aws_access_key", _LEFT + r"(?:AKIA|ASIA)[A-Z0-9]{16}" + _RIGHT, "AWS IAM identifiers", "AKIA" + "Q" * 16, "AKIA" + "Q" * 15),
    _secret(
        "github_token", _LEFT + r"gh[pousr]_[A-Za-z0-9]{36,255}" + _RIGHT, "GitHub token formats", "ghp_" + "a1" * 18, "ghp_" + "a" * 20
    ),
    _secret(
        "github_pat", _LEFT + r"github_pat_[A-Za-z0-9_]{22,255}" + _RIGHT, "GitHub token formats", "github_pat_" + _WORD * 2, "github_pat_x"
    ),
    _secret("gitlab_token", _LEFT + r"glpat-[A-Za-z0-9_-]{20,64}", "GitLab token prefixes", "glpat-" + _WORD, "glpat-short"),
    _secret("slack_token", _LEFT + r"xox[abeprs]-[A-Za-z0-9-]{10,250}", "Slack token types", "xoxb-" + "1234567890-ab", "xoxb-1"),
    _secret(
        "slack_webhook",
        r"hooks\.slack\.com/services/T[A-Za-z0-9]{6,12}/B[A-Za-z0-9]{6,12}/[A-Za-z0-9]{20,32}",
        "Slack incoming webhooks",
        "hooks.slack.com/services/" + "T0000000/B0000000/" + "x" * 24,
        "hooks.slack.com/services/",
    ),
    _secret(
        "stripe_key",
        _LEFT + r"[rs]k_(?:live|test)_[A-Za-z0-9]{16,99}" + _RIGHT,
        "Stripe API keys",
        "sk_" + "live_" + _WORD,
        "sk_live_short",
    ),
    _secret("anthropic_key", _LEFT + r"sk-ant-[A-Za-z0-9_-]{20,160}", "Anthropic API keys", "sk-ant-" + _WORD, "sk-ant-x"),
    _secret(
        "openai_key",
        _LEFT + r"sk-(?:proj-|svcacct-)?[A-Za-z0-9_-]{32,200}",
        "OpenAI API keys",
        "sk-proj-" + _WORD * 2,
        "sk-" + "kebab-" * 8,
        mixed_length,
    ),
    _secret("google_api_key", _LEFT + r"AIza[A-Za-z0-9_-]{35}", "Google API keys", "AIza" + "b" * 35, "AIza" + "b" * 20),
    _secret("npm_token", _LEFT + r"npm_[A-Za-z0-9]{36}" + _RIGHT, "npm access tokens", "npm_" + "a1" * 18, "npm_install"),
    _secret(
        "sendgrid_key",
        _LEFT + r"SG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}",
        "SendGrid API keys",
        "SG." + "a" * 22 + "." + "b" * 43,
        "SG.a.b",
    ),
    _secret(
        "jwt",
        _LEFT + r"eyJ[A-Za-z0-9_-]{8,1200}\.eyJ[A-Za-z0-9_-]{8,1200}\.[A-Za-z0-9_-]{16,1200}",
        "RFC 7519",
        "eyJhbGciOiJIUzI1NiJ9" + ".eyJzdWIiOiIxMjM0NSJ9." + "x" * 43,
        "eyJhbGciOiJIUzI1NiJ9.x",
    ),
    _secret(
        "private_key",
        r"-----BEGIN (?:RSA |EC |DSA |OPENSSH |ENCRYPTED )?PRIVATE KEY-----[A-Za-z0-9+/=\s]{0,3400}"
        r"(?:-----END (?:RSA |EC |DSA |OPENSSH |ENCRYPTED )?PRIVATE KEY-----)?",
        "RFC 7468; without its end too, since a cut-off key is a key",
        "-----BEGIN " + "PRIVATE KEY-----\nMIIabc=\n-----END PRIVATE KEY-----",
        "-----BEGIN PUBLIC KEY-----",
    ),
    _secret(
        "connection_string",
        r"(?<![a-z0-9+])[a-z][a-z0-9+]{1,11}://[A-Za-z0-9._%~-]{1,64}:[^\s@/:]{1,96}@[A-Za-z0-9.-]{1,128}",
        "RFC 3986 section 3.2.1, user information",
        "postgres://app:" + "s3cr3t@db.internal",
        "https://example.com/a:b",
    ),
    _secret(
        "assigned_secret",
        _LEFT + r"""(?i:password|passwd|api[_-]?key|secret[_-]?key|access[_-]?token)['"]?\s{0,3}[:=]\s{0,3}"""
        r"""['"]?[A-Za-z0-9_!#$%&*+./@^~-]{8,96}""",
        "a name that says so, and a value",
        "api_key = " + _WORD,
        "password: short",
    ),
)
