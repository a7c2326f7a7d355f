"""Backing up and restoring, killed at every step."""

import os
import shutil
import signal
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import pytest

from coordinator import data_directory
from coordinator.errors import StartError
from coordinator.store import copies
from coordinator.store.engine import OpenMode, Store
from tests.unit.coordinator.backup.house import House, furnish
from tests.unit.coordinator.conftest import opened
from tests.unit.coordinator.history import live
from tests.waiting import PATIENCE

pytestmark = pytest.mark.timeout(900)  # each step is a process and some databases, on a busy machine too


def cut_off(act: Callable[[], object], step: int) -> bool:
    """Do it in a process that is killed before its `step`th fsync; False if it had come to its end by then."""
    child = os.fork()
    if child == 0:
        calls = 0
        real = os.fsync

        def fsync(handle: Any) -> None:
            nonlocal calls
            calls += 1
            if calls == step:
                os.kill(os.getpid(), signal.SIGKILL)
            real(handle)

        os.fsync = fsync
        code = 1
        try:
            act()
            code = 0
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return os.WIFSIGNALED(status)


def test_a_backup_that_is_killed_anywhere_leaves_none_or_all_of_it(lived: House, tmp_path):
    file, step = tmp_path / "muster.backup", 0
    while cut_off(lambda: lived.back_up(file), step := step + 1):
        if file.exists():
            House(tmp_path / f"{step}", f"sqlite:///{tmp_path}/{step}.db").restore(file)
            file.unlink()
        lived.back_up(file)
        file.unlink()
    assert step > 2
    assert file.exists()


def test_a_restore_that_is_killed_anywhere_is_done_again_and_loses_nothing(good, request, tmp_path):
    old = House(tmp_path / "old" / "data", f"sqlite:///{tmp_path}/old/data/muster.db")
    old.data.mkdir(parents=True)
    furnish(old)
    before, old_keys, step = old.rows(), old.keys(), 0
    fresh = House(tmp_path / "fresh", f"sqlite:///{tmp_path}/fresh/muster.db")
    fresh.restore(good)
    wanted, wanted_keys = fresh.rows(), fresh.keys()
    begun = 0
    while True:
        step += 1
        here = House(tmp_path / f"{step}", f"sqlite:///{tmp_path}/{step}/muster.db")
        shutil.copytree(old.data, here.data)
        if not cut_off(lambda here=here: here.restore(good, replace=True), step):
            break
        if (here.data / data_directory.RESTORING).exists():
            begun += 1
            with ExitStack() as closing, pytest.raises(StartError, match="cut off"):
                data_directory.own(here.data, closing)
            here.restore(good)
        else:
            assert here.rows() in (before, wanted)
            here.restore(good, replace=True)
        assert (here.rows(), here.keys()) == (wanted, wanted_keys)
        asides = sorted(here.data.glob("before-restore-*/muster.db*"))
        assert before in [
            House(here.data, f"sqlite:///{path}").rows() for path in asides if "-" not in path.name
        ]
        kept = {path.read_bytes() for path in here.data.glob("before-restore-*/**/*.key*")}
        assert {old_keys["keys/ca.key"], old_keys["keys/dispatch.key"]} <= kept
        shutil.rmtree(here.data)
    assert begun > 5
    assert here.rows() == wanted


@pytest.mark.system
def test_a_restore_into_postgresql_that_is_killed_anywhere_is_done_again(good, postgres_url, tmp_path):
    fresh = House(tmp_path / "fresh", f"sqlite:///{tmp_path}/fresh.db")
    fresh.restore(good)
    here = House(tmp_path / "data", postgres_url)
    here.data.mkdir()
    with opened(here.data, here.url) as office:
        live(office)
    before, step, begun = here.rows(), 0, 0
    while cut_off(lambda: here.restore(good, replace=True), step := step + 1):
        alone(here)
        if (here.data / data_directory.RESTORING).exists():
            begun += 1
            here.restore(good)
            assert (here.rows(), here.keys()) == (fresh.rows(), fresh.keys())
            (here.data / "keys" / "ca.key").write_text(f"of step {step}")  # that there is something to do
        else:
            assert here.rows() == before
        before = here.rows()
    assert begun > 3
    assert (here.rows(), here.keys()) == (fresh.rows(), fresh.keys())
    assert here.verdict().right


def alone(here: House) -> None:
    """Wait until PostgreSQL has seen that who was killed is gone."""
    store = Store(here.url, OpenMode.BARE)
    deadline = time.monotonic() + PATIENCE
    while copies.others_on(store) and time.monotonic() < deadline:
        time.sleep(0.02)
    store.close()
