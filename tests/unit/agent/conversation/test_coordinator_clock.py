from agent.conversation.coordinator_clock import SPAN, CoordinatorClock


def test_as_long_as_nothing_was_heard_everything_is_too_late():
    assert CoordinatorClock().expired(10**9, 0)


def test_the_message_that_took_least_time_sets_the_clock():
    clock = CoordinatorClock()
    clock.hear(sent=1000, now=50)  # on the way for who knows how long
    clock.hear(sent=1030, now=60)  # 20 s faster
    clock.hear(sent=1031, now=90)
    assert not clock.expired(1031, now=60)
    assert clock.expired(1031, now=62)


def test_clocks_that_drift_apart_over_weeks_do_not_make_every_wish_late():
    clock = CoordinatorClock()
    for hour in range(24 * 30):  # ours runs fast by 0.2 s an hour
        clock.hear(sent=hour * 3600, now=hour * 3600.2)
    assert not clock.expired(24 * 30 * 3600 + 5, now=24 * 30 * 3600.2)


def test_a_coordinators_clock_that_was_set_back_is_believed_after_a_while():
    clock = CoordinatorClock()
    clock.hear(sent=10**9, now=0)
    for second in range(0, int(3 * SPAN), 60):
        clock.hear(sent=1000 + second, now=second)
    assert not clock.expired(1000 + 3 * SPAN, now=3 * SPAN - 60)


def test_one_late_message_after_a_long_silence_does_not_set_the_clock():
    clock = CoordinatorClock()
    clock.hear(sent=1000, now=0)
    clock.hear(sent=2000, now=1000)
    clock.hear(sent=9000, now=20_000)  # eleven thousand seconds on its way
    assert clock.expired(9030, now=20_000)


def test_what_begins_later_is_early_until_then_and_as_long_as_nothing_was_heard():
    reckoning = CoordinatorClock()
    assert reckoning.early(0.0, now=0.0)
    reckoning.hear(1000.0, now=10.0)
    assert reckoning.early(1000.5, now=10.0)
    assert not reckoning.early(1000.5, now=10.5)
