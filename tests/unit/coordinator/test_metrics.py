from prometheus_client.parser import text_string_to_metric_families

from coordinator.metrics import Metrics, Now


def figures(metrics):
    data, kind = metrics.render()
    assert kind.startswith("text/plain")
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(data.decode())
        for sample in family.samples
    }


def test_what_happens_is_counted():
    metrics = Metrics()
    metrics.received("ready")
    metrics.received("ready")
    metrics.refused("malformed")
    metrics.sent("grant", arrived=True)
    metrics.sent("grant", arrived=False)
    metrics.dropped()
    metrics.failed()
    metrics.granted()
    metrics.stepped("finish")
    metrics.ran("suspects", well=True)
    metrics.answered("GET", "/needs/{id}", 200, 0.01)
    found = figures(metrics)
    assert found["muster_messages_received_total", "ready"] == 2
    assert found["muster_messages_refused_total", "malformed"] == 1
    assert found["muster_messages_sent_total", "grant", "yes"] == 1
    assert found["muster_messages_sent_total", "grant", "no"] == 1
    assert found["muster_messages_dropped_total",] == 1
    assert found["muster_messages_failed_total",] == 1
    assert found["muster_grants_total",] == 1
    assert found["muster_steps_total", "finish"] == 1
    assert found["muster_jobs_total", "suspects", "done"] == 1
    assert found["muster_http_request_seconds_count", "GET", "/needs/{id}", "200"] == 1


def test_how_things_stand_is_looked_up_at_each_reading():
    metrics = Metrics()
    standing = [
        Now(open_needs=1),
        Now(open_needs=2, printers_online=3, printers_waiting=1, units={"good": 7}),
    ]
    metrics.watch(lambda: standing.pop(0))
    assert figures(metrics)["muster_open_needs",] == 1
    found = figures(metrics)
    assert found["muster_open_needs",] == 2
    assert found["muster_printers_online",] == 3
    assert found["muster_printers_waiting",] == 1
    assert found["muster_units", "good"] == 7


def test_two_coordinators_in_one_process_do_not_share_figures():
    one, other = Metrics(), Metrics()
    one.granted()
    assert figures(other)["muster_grants_total",] == 0
