from hypothesis import given
from hypothesis import strategies as st

from agent.backoff import backoff


@given(st.integers(0, 10_000), st.floats(0, 1))
def test_a_wait_is_never_longer_than_the_cap(attempt: int, chance: float):
    assert 0 <= backoff(attempt, lambda: chance) <= 60


def test_the_span_doubles_and_chance_takes_any_part_of_it():
    assert [backoff(n, lambda: 1.0) for n in range(4)] == [1, 2, 4, 8]
    assert backoff(3, lambda: 0.0) == 0
