import select
from pathlib import Path

import pytest

from agent.state_directory import StateDirectoryError, WakeSocket, lock, runs, wake


def is_woken(wake_socket: WakeSocket) -> bool:
    poller = select.poll()
    poller.register(wake_socket.descriptor, select.POLLIN)
    return bool(poller.poll(0))


def test_one_agent_at_a_time_is_at_home(tmp_path: Path):
    assert not runs(tmp_path)
    with lock(tmp_path):
        assert runs(tmp_path)
        with pytest.raises(StateDirectoryError, match="runs already"), lock(tmp_path):
            pass
    assert not runs(tmp_path)


def test_a_bell_is_heard_until_it_was_listened_to(tmp_path: Path):
    wake_socket = WakeSocket(tmp_path)
    assert not is_woken(wake_socket)
    assert wake(tmp_path)
    assert wake(tmp_path)
    assert is_woken(wake_socket)
    wake_socket.drain()
    assert not is_woken(wake_socket)
    wake_socket.close()
    assert not wake(tmp_path)


def test_ringing_never_waits_even_where_nobody_listens(tmp_path: Path):
    wake_socket = WakeSocket(tmp_path)
    for _ in range(5000):
        assert wake(tmp_path)
    wake_socket.close()


def test_who_rings_where_no_agent_ever_was_is_told_so(tmp_path: Path):
    assert not wake(tmp_path / "nowhere")


def test_a_bell_that_a_dead_agent_left_behind_is_replaced(tmp_path: Path):
    (tmp_path / "wake.sock").write_text("")
    wake_socket = WakeSocket(tmp_path)
    assert wake(tmp_path)
    wake_socket.close()


def test_a_bell_hangs_in_a_folder_of_any_name(tmp_path: Path):
    deep = tmp_path / ("d" * 100) / ("e" * 100)
    deep.mkdir(parents=True)
    wake_socket = WakeSocket(deep)
    assert wake(deep)
    wake_socket.close()
    assert not (deep / "wake.sock").exists()
