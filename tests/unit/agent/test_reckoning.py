from agent.reckoning import Reckoning


def test_as_long_as_nothing_was_heard_everything_is_too_late():
    assert Reckoning().expired(10**9, 0)


def test_the_message_that_took_least_time_sets_the_clock():
    clock = Reckoning()
    clock.hear(sent=1000, now=50)  # on the way for who knows how long
    clock.hear(sent=1030, now=60)  # 20 s faster
    clock.hear(sent=1031, now=90)
    assert not clock.expired(1031, now=60)
    assert clock.expired(1031, now=62)
