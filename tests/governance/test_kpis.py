"""The six KPIs against numbers worked out by hand."""

import pytest
from governance.scene import DAY_US, NOW_US, PERIOD, Scene, good_scene

from fairlead.governance import Figure, Kpi, kpis
from fairlead.governance.model import Target, judge_target
from fairlead.statistics import clopper_pearson
from fairlead.testing.governance import incident_record


def computed(scene: Scene, *, tenant: str = "t1") -> dict[int, Kpi]:
    return {kpi.number: kpi for kpi in kpis(scene.records.sources(), tenant, "assistant", tier="high", period=PERIOD)}


def test_all_six_are_there_with_n_and_an_interval() -> None:
    found = computed(good_scene())
    assert list(found) == [3, 5, 6, 7, 9, 20]
    for kpi in found.values():
        figure = kpi.figure
        assert figure.supported
        assert figure.n > 0
        assert figure.low is not None
        assert figure.value is not None
        assert figure.low <= figure.value
        assert figure.high is None or figure.value <= figure.high


def test_incidents_per_thousand_and_its_target_is_the_period_before() -> None:
    scene = good_scene()
    figure = computed(scene)[3].figure
    exact = clopper_pearson(8, 2000)
    assert (figure.k, figure.n, figure.value) == (8, 2000, 4.0)
    assert (figure.low, figure.high) == (1000 * exact.low, 1000 * exact.high)
    assert computed(scene)[3].verdict == "no_target"
    for number in range(500):
        scene.records.costs[f"y_{number}"] = (NOW_US - 40 * DAY_US, 1)
    for number in range(20):
        scene.records.found[f"old_{number}"] = incident_record(f"old_{number}", at_us=NOW_US - 40 * DAY_US)
    kpi = computed(scene)[3]
    assert kpi.target is not None
    assert kpi.target.at_most == 40.0
    assert kpi.verdict == "met"


def test_times_are_medians_with_order_statistics() -> None:
    found = computed(good_scene())
    detect, contain = found[5].figure, found[6].figure
    assert (detect.n, detect.value, detect.low, detect.high) == (8, 5.0, 2.0, 9.0)
    assert (contain.value, contain.low, contain.high) == (60.0, 30.0, 100.0)
    assert found[5].verdict == found[6].verdict == "met"


def test_an_incident_that_is_not_contained_counts_with_its_time_so_far() -> None:
    scene = good_scene()
    scene.records.found.clear()
    scene.records.found["inc_1"] = incident_record("inc_1", at_us=NOW_US - 2 * DAY_US, status="open", detect_s=0)
    figure = computed(scene)[6].figure
    assert figure.value == 2 * 86_400
    assert figure.high is None
    assert computed(scene)[6].verdict == "undecided"


def test_grave_incidents_are_not_diluted_by_small_ones() -> None:
    scene = good_scene()
    for number in range(50):
        scene.records.found[f"small_{number}"] = incident_record(f"small_{number}", at_us=NOW_US - DAY_US, contain_s=1, severity="P3")
    assert computed(scene)[6].figure.n == 8


def test_rates_come_from_the_signed_run() -> None:
    found = computed(good_scene(unsafe=4, blocked=6))
    assert (found[9].figure.k, found[9].figure.n) == (4, 400)
    assert (found[7].figure.k, found[7].figure.n) == (6, 400)
    assert found[7].target is not None
    assert found[7].target.at_most == 0.03


def test_guard_cost_is_the_95th_percentile_over_exchanges() -> None:
    figure = computed(good_scene())[20].figure
    assert figure.value == pytest.approx(2.199)
    assert figure.low is not None
    assert figure.high is not None
    assert 2.17 < figure.low < 2.199 < figure.high < 2.23
    assert figure.basis.records[0].id == "x_1899"


def test_without_records_there_is_no_number() -> None:
    scene = good_scene()
    for kpi in computed(scene, tenant="t2").values():
        assert kpi.figure.standing == "no_data"
        assert kpi.figure.value is None
        assert kpi.verdict == "unsupported"


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (0.0, 0.04, "met"),
        (0.0, 0.05, "met"),
        (0.0, 0.06, "undecided"),
        (0.06, 0.2, "missed"),
        (0.01, None, "undecided"),
        (0.06, None, "missed"),
    ],
)
def test_an_interval_answers_a_target_and_a_point_does_not(low: float, high: float | None, verdict: str) -> None:
    figure = Figure(id="x", label="x", unit="share", standing="supported", value=max(low, 0.03), low=low, high=high, n=9)
    assert judge_target(figure, Target(at_most=0.05, text="below 5%")) == verdict
