"""What one agent may say."""

from coordinator import rate_limit
from coordinator.rate_limit import TokenBuckets


def test_a_burst_passes_and_then_a_message_at_a_time():
    flow = TokenBuckets(rate=2, burst=5)
    assert [flow.admits("anna", 0.0) for _ in range(7)] == [True] * 5 + [False] * 2
    assert [flow.admits("anna", 0.5) for _ in range(2)] == [True, False]
    assert [flow.admits("anna", 100.0) for _ in range(6)] == [True] * 5 + [False]


def test_who_floods_takes_nothing_from_others():
    flow = TokenBuckets(rate=1, burst=2)
    assert not all(flow.admits("anna", 0.0) for _ in range(100))
    assert flow.admits("ben", 0.0)


def test_strangers_cost_no_memory(monkeypatch):
    monkeypatch.setattr(rate_limit, "_AGENTS", 10)
    flow = TokenBuckets(rate=1, burst=2)
    for number in range(1000):
        assert flow.admits(f"agent-{number}", float(number))
    assert len(flow._buckets) <= 10


def test_who_has_used_up_all_is_not_forgotten(monkeypatch):
    monkeypatch.setattr(rate_limit, "_AGENTS", 3)
    flow = TokenBuckets(rate=1, burst=2)
    for _ in range(3):
        flow.admits("anna", 0.0)
    for number in range(5):
        flow.admits(f"agent-{number}", 0.1)
    assert not flow.admits("anna", 0.2)
