"""What the store knows of approvals. Every query names its tenant."""

from fairlead.agents.load import ASKED, GRANTED, REFUSED, VOID, ApprovalLoad, approval_load
from fairlead.store import DecisionFilter, Store
from fairlead.store.records import audit_of, count_decisions


def read_load(store: Store, tenant: str, *, since_us: int, until_us: int) -> ApprovalLoad:
    """Return how much work approvals made in a period.

    Args:
        store: What the journals were folded into.
        tenant: Whose.
        since_us: Start of the period, microseconds UTC.
        until_us: Its end, exclusive.
    """
    wanted = DecisionFilter(stage="tool_call", since_us=since_us, until_us=until_us)
    with store.read() as connection:
        calls = sum(count.n for count in count_decisions(connection, tenant, wanted=wanted))
        entries = audit_of(connection, tenant, (ASKED, GRANTED, REFUSED, VOID), since_us=since_us)
    return approval_load(calls, entries, since_us=since_us, until_us=until_us)
