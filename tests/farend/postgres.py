"""A private PostgreSQL: one cluster per test process, a fresh database per test.

A folder's conftest.py imports the fixtures `postgres` and `postgres_url` (a SQLAlchemy URL) and names them in
`__all__`. The cluster listens on a Unix socket only, in its own directory, so there is no port
to collide on.
"""

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Generator, Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from tests.farend.shared import missing, told
from tests.waiting import PATIENCE

PROGRAMS = Path("/usr/lib/postgresql/15/bin")
USER = "muster"
_OPTIONS = {
    "listen_addresses": "",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "16MB",
    "max_connections": "40",
    "autovacuum": "off",
}


class Postgres:
    """A running cluster in a directory of its own."""

    def __init__(self, **options: str) -> None:
        """Make its directory; `options` go before those that make tests fast."""
        self._options = _OPTIONS | options
        # Not below pytest's own directory: a socket's path has 107 bytes, and user postgres must reach it.
        self._directory = Path(tempfile.mkdtemp(prefix="muster-pg-"))
        self._owner: str | None = None
        if os.geteuid() == 0:  # PostgreSQL won't run as root
            self._owner = "postgres"
            account = pwd.getpwnam(self._owner)
            os.chown(self._directory, account.pw_uid, account.pw_gid)
        self._names = 0
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Make the cluster and wait until it takes connections."""
        self._run(
            "initdb",
            "-D",
            str(self._directory / "data"),
            "-U",
            USER,
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--locale=C.UTF-8",
            "--no-sync",
            "-N",
        )
        try:
            self.serve()
        except RuntimeError:
            self.stop()
            raise

    @property
    def pid(self) -> int:
        """The server's process, which has one more for each connection."""
        assert self._process is not None
        return self._process.pid

    def fell(self) -> bool:
        """Whether its process has ended."""
        return self._process is None or self._process.poll() is not None

    def serve(self) -> None:
        """Start the server on the cluster that was made, also after it was killed; wait until it takes connections."""
        data = self._directory / "data"
        options = [word for key, value in self._options.items() for word in ("-c", f"{key}={value}")]
        log = (self._directory / "log").open("ab")
        with log:
            self._process = subprocess.Popen(
                [PROGRAMS / "postgres", "-D", data, "-k", self._directory, *options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                user=self._owner,
                group=self._owner,
                extra_groups=[] if self._owner else None,
                cwd=self._directory,
                start_new_session=True,
            )
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                psycopg.connect(self._conninfo("postgres")).close()
            except psycopg.OperationalError:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    said = (self._directory / "log").read_text(errors="replace")[-2000:]
                    raise RuntimeError(f"PostgreSQL does not start: {said}") from None
                time.sleep(0.02)
            else:
                return

    def stop(self) -> None:
        """End it without ceremony, and leave nothing."""
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT)
            try:
                self._process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        shutil.rmtree(self._directory, ignore_errors=True)

    def create(self, name: str, like: str = "template0") -> str:
        """A database that stays, with all that is in another one to which nobody is connected; its SQLAlchemy URL."""
        names = sql.Identifier(name), sql.Identifier(like)
        self._do(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(*names))
        return f"postgresql+psycopg://{USER}@/{name}?host={self._directory}"

    @contextlib.contextmanager
    def database(self, like: str = "template0") -> Generator[str]:
        """A fresh database for the time of the block, empty or like another one; its SQLAlchemy URL."""
        self._names += 1
        name = f"test_{self._names}"
        url = self.create(name, like)
        try:
            yield url
        finally:
            self._do(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    def _do(self, command: sql.Composed) -> None:
        with psycopg.connect(self._conninfo("postgres"), autocommit=True) as connection:
            connection.execute(command)

    def _conninfo(self, database: str) -> str:
        return f"host={self._directory} user={USER} dbname={database} connect_timeout=60"

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [PROGRAMS / program, *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            user=self._owner,
            group=self._owner,
            extra_groups=[] if self._owner else None,
            cwd=self._directory,
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"},
        )
        if done.returncode:
            raise RuntimeError(f"{program}: {done.stdout} {done.stderr}")


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """One cluster for all tests of this process."""
    if not (PROGRAMS / "postgres").exists():
        missing("PostgreSQL 15 is not installed: sudo apt install postgresql-15")
    cluster = Postgres()
    try:
        with told("PostgreSQL"):
            cluster.start()
        yield cluster
    finally:
        cluster.stop()


@pytest.fixture
def postgres_url(postgres: Postgres) -> Iterator[str]:
    """The SQLAlchemy URL of a fresh, empty database."""
    with postgres.database() as url:
        yield url
