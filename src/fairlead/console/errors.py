"""What can be wrong with a request to the console."""

from fairlead.core import InvalidInput


class QueryInvalid(InvalidInput):
    """A filter of a page has a value that does not exist."""

    code = "query-invalid"
