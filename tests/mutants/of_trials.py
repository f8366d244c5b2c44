"""Mutants of trials: shadow and canary."""

from mutants.model import Mutant

MUTANTS = (
    Mutant(
        law=0,
        file="wiring/trying.py",
        old="        return candidate.serving if candidate is not None and candidate.trial.takes(tenant, key) else None\n",
        new="        return next((one.serving for one in self._running.values()), None)\n",
        red=("tests/gateway/test_shadow.py::test_it_enforces_nothing_and_its_decisions_pair_with_the_live_ones",),
    ),
    Mutant(
        law=0,
        file="releases/shadow.py",
        old='action="allow", mode="shadow", approval="", capture=""',
        new='mode="shadow", approval="", capture=""',
        red=("tests/gateway/test_shadow.py::test_it_enforces_nothing_and_its_decisions_pair_with_the_live_ones",),
    ),
    Mutant(
        law=0,
        file="wiring/data_plane.py",
        old="        return self._serving(release, broker, _NoLimits())\n",
        new="        return self._serving(release, broker, parts.limits)\n",
        red=("tests/gateway/test_shadow.py::test_it_spends_no_limit",),
    ),
    Mutant(
        law=0,
        file="wiring/data_plane.py",
        old="            MemoryApprovals(parts.clock),\n",
        new="            parts.approvals,\n",
        red=("tests/gateway/test_shadow.py::test_it_asks_nobody_and_keeps_nothing",),
    ),
    Mutant(
        law=0,
        file="wiring/trying.py",
        old='Record(kind="shadow", id=record.id, body=canonical_bytes(record))',
        new='*(Record(kind="decision", id=each.id, body=canonical_bytes(each)) for each in record.decisions)',
        red=("tests/gateway/test_shadow.py::test_what_it_says_counts_nowhere_as_a_live_decision",),
    ),
    Mutant(
        law=0,
        file="wiring/trials.py",
        old='        return sampled(f"{self.release}/{len(tenant)}:{tenant}/{key}", self.share)\n',
        new='        return sampled(f"{os.urandom(8)!r}/{len(tenant)}:{tenant}/{key}", self.share)\n',
        red=("tests/gateway/test_canary.py::test_its_share_of_callers_is_decided_by_it_and_nobody_flaps",),
    ),
    Mutant(
        law=0,
        file="wiring/trying.py",
        old="            self._ended.add(candidate.trial.id)\n",
        new="            return\n",
        red=("tests/gateway/test_canary.py::test_it_goes_back_by_itself_once_the_bound_is_above_the_limit",),
    ),
    Mutant(
        law=5,
        file="releases/shadow.py",
        old="        _check_detectors(pair)\n",
        new="        pass\n",
        red=("tests/releases/test_trials.py::test_law5_more_than_the_policy_differs[pairs2]",),
    ),
)
