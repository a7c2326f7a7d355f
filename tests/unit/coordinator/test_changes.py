"""ChangeFeed: who hears what, from which thread, and how it ends."""

import asyncio
import threading

from coordinator.changes import LIMIT, ChangeFeed


async def heard(listener, count=1):
    found = []
    async with asyncio.timeout(5):
        async for subjects in listener:
            found.append(subjects)
            if len(found) == count:
                break
    return found


def test_who_listens_to_one_need_hears_of_that_need_alone():
    async def scene():
        news = ChangeFeed()
        with news.listen("need/n1") as listener:
            news.publish("need/n10", "need/n2", "hospital/n1")
            news.publish("need/n1", "printer/anna/mk3")
            return await heard(listener)

    assert asyncio.run(scene()) == [{"need/n1"}]


def test_who_listens_to_needs_hears_of_each():
    async def scene():
        news = ChangeFeed()
        with news.listen("need", "hospital") as listener:
            news.publish("need/n1", "printer/anna/mk3")
            news.publish("hospital/h1")
            return await heard(listener)

    assert asyncio.run(scene()) == [{"need/n1", "hospital/h1"}]


def test_news_told_in_another_thread_arrives():
    async def scene():
        news = ChangeFeed()
        with news.listen("need") as listener:
            teller = threading.Thread(target=news.publish, args=("need/n1",))
            teller.start()
            found = await heard(listener)
            teller.join()
            return found

    assert asyncio.run(scene()) == [{"need/n1"}]


def test_a_slow_listener_is_told_to_look_at_everything_instead_of_a_growing_list():
    async def scene():
        news = ChangeFeed()
        with news.listen("printer", "need") as listener:
            for number in range(10 * LIMIT):
                news.publish(f"printer/anna/p{number}")
            return await heard(listener)

    [subjects] = asyncio.run(scene())
    assert "printer" in subjects
    assert len(subjects) <= LIMIT


def test_closing_ends_who_listens_and_who_comes_later():
    async def scene():
        news = ChangeFeed()
        with news.listen("need") as early:
            threading.Timer(0.01, news.close).start()
            before = await heard(early)
        with news.listen("need") as late:
            after = await heard(late)
        return before, after, news.listeners

    assert asyncio.run(scene()) == ([], [], 0)


def test_who_has_left_is_told_nothing_and_hinders_nobody():
    async def scene():
        news = ChangeFeed()
        with news.listen("need"):
            assert news.listeners == 1
        return news

    news = asyncio.run(scene())
    news.publish("need/n1")
    assert news.listeners == 0


def test_a_listener_whose_loop_died_hinders_nobody():
    news = ChangeFeed()
    loop = asyncio.new_event_loop()

    async def enter():
        news.listen("need").__enter__()

    loop.run_until_complete(enter())
    loop.close()
    news.publish("need/n1")
    news.close()
