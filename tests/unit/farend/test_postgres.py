import os

import pytest
import sqlalchemy
from sqlalchemy.exc import OperationalError

from tests.farend.postgres import Postgres

pytestmark = pytest.mark.system


def test_each_test_has_a_database_of_its_own(postgres, postgres_url):
    with postgres.database() as other:
        for url in (postgres_url, other):
            engine = sqlalchemy.create_engine(url)
            with engine.begin() as connection:
                connection.execute(sqlalchemy.text("CREATE TABLE only_here (n int)"))
                version = connection.execute(sqlalchemy.text("SHOW server_version_num")).scalar_one()
            engine.dispose()
            assert int(version) >= 15_00_00


def test_a_database_goes_even_while_it_is_in_use(postgres):
    with postgres.database() as url:
        engine = sqlalchemy.create_engine(url)
        lingering = engine.connect()
        lingering.execute(sqlalchemy.text("SELECT 1"))
    with pytest.raises(OperationalError):
        lingering.execute(sqlalchemy.text("SELECT 1"))
    lingering.invalidate()
    engine.dispose()


def test_a_stopped_cluster_leaves_nothing(postgres):
    cluster = Postgres()
    try:
        cluster.start()
        assert cluster._process is not None
        pid, directory = cluster._process.pid, cluster._directory
    finally:
        cluster.stop()
    assert not directory.exists()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
