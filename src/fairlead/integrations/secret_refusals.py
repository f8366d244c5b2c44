"""Why a store of secrets did not tell one."""


class StoreFailed(Exception):
    """A store gave no answer: why, in words without a secret. Whether the secret is there is not known."""


class SecretAbsent(Exception):
    """A store says that there is no such secret."""
