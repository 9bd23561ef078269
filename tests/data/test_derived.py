"""What is calculated from cached values is calculated once."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from conftest import Clock, Service, Upstream
from gates import GatedCall
from processes import PATIENCE, PATIENT, until

from widget.data import growth
from widget.data.derived import MAX_RESULTS, DerivedResults


@pytest.fixture
def calculation() -> GatedCall:
    call = GatedCall()
    call.gate.set()
    return call


def test_a_result_is_calculated_once_for_each_version_of_its_values(
    calculation: GatedCall,
) -> None:
    results = DerivedResults()
    assert [results.get("k", "first", calculation) for _ in range(3)] == [1, 1, 1]
    assert [results.get("k", "second", calculation) for _ in range(3)] == [2, 2, 2]
    assert results.get("k", "first", calculation) == 3, "only the last version is stored"
    assert results.get("other", "first", calculation) == 4


def test_all_who_need_a_result_at_the_same_time_share_one_calculation(
    calculation: GatedCall,
) -> None:
    results = DerivedResults()
    calculation.gate.clear()
    with ThreadPoolExecutor(20) as pool:
        callers = [pool.submit(results.get, "k", "v", calculation) for _ in range(20)]
        until(lambda: calculation.count == 1)
        assert results.get("other", "v", lambda: "result") == "result", "it waits for nobody"
        calculation.gate.set()
        assert {caller.result(PATIENCE) for caller in callers} == {1}
    assert calculation.count == 1


def test_the_results_that_were_used_last_are_stored(calculation: GatedCall) -> None:
    results = DerivedResults()
    for number in range(MAX_RESULTS):
        results.get(number, "v", calculation)
    results.get(0, "v", calculation)
    results.get("one more", "v", calculation)
    assert calculation.count == MAX_RESULTS + 1
    results.get(0, "v", calculation)
    assert calculation.count == MAX_RESULTS + 1
    results.get(1, "v", calculation)
    assert calculation.count == MAX_RESULTS + 2


def test_a_calculation_that_fails_is_made_again(calculation: GatedCall) -> None:
    results = DerivedResults()
    calculation.error = ZeroDivisionError()
    with pytest.raises(ZeroDivisionError):
        results.get("k", "v", calculation)
    calculation.error = None
    assert results.get("k", "v", calculation) == 2


def test_growth_is_calculated_once_for_all_forms_and_languages_until_there_are_new_trades(
    serve: Callable[..., Service],
    upstream: Upstream,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = []
    original = growth.calculate

    def counting(*arguments: object) -> growth.Growth:
        made.append(arguments)
        return original(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(growth, "calculate", counting)
    service = serve(server=PATIENT)
    forms = [".json", "", "?lang=fr", "?lang=de&theme=dark", ".svg", ".svg?size=large"]
    for form in forms:
        assert service.get(f"/w/main/growth{form}").status_code == 200
    assert len(made) == 1
    assert service.get("/w/main/growth.json?period=90d").status_code == 200
    assert len(made) == 2, "another period"
    clock.now += 600
    for form in forms:
        assert service.get(f"/w/main/growth{form}").status_code == 200
    assert len(made) == 3
