"""The vault in memory: bounded for each tenant, and forgetful."""

from fairlead.guard import AskHeld, AskKeep, MemoryVault

TTL = 10_000_000


def test_what_was_written_longest_ago_goes_first_and_of_that_tenant_only() -> None:
    vault = MemoryVault(most=2)
    for tenant, scope in (("a", "1"), ("b", "1"), ("a", "2"), ("a", "1"), ("a", "3")):
        vault.keep(AskKeep(tenant, scope, {f"N_{scope}": "v"}, TTL), 0)
    kept = [(tenant, scope) for tenant in "ab" for scope in "123" if vault.held(AskHeld(tenant, scope), 1)]
    assert kept == [("a", "1"), ("a", "3"), ("b", "1")]
    vault.keep(AskKeep("a", "4", {f"N_{number}": "v" for number in range(5)}, TTL), 2)
    assert list(vault.held(AskHeld("a", "4"), 3)) == ["N_3", "N_4"]


def test_what_has_run_out_is_dropped_from_memory_too_also_of_a_silent_tenant() -> None:
    vault = MemoryVault()
    vault.keep(AskKeep("a", "1", {"N_1": "v"}, TTL), 0)
    vault.keep(AskKeep("a", "1", {"N_2": "v"}, TTL), 5_000_000)
    assert vault.held(AskHeld("a", "1"), TTL) == {"N_2": "v"}
    vault.keep(AskKeep("b", "1", {"N_3": "v"}, TTL), 20_000_000)
    assert vault.size() == 1
