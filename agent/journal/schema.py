"""The journal's tables, and how those of an older agent become them."""

VERSION = 4

TABLES = """
create table fact (name text primary key, value) without rowid;
create table attempt (
    id text primary key, printer text not null, state text not null, over integer not null,
    body blob not null, key text not null, signature blob not null, taken real not null,
    number integer not null
) without rowid;
create index attempt_open on attempt (over, printer);
create table event (
    seq integer primary key, attempt text not null, step text not null, at real not null, why text not null,
    blame text not null
);
create table bed (printer text primary key, clear integer not null) without rowid;
create table stop (attempt text primary key, how text not null) without rowid;
create table offer (
    id text primary key, printer text not null, body blob not null, heard real not null, until real not null,
    answer text not null, why text not null
) without rowid;
create table refusal (id integer primary key, at real not null, printer text not null, what text not null)
"""
_FROM = {
    1: """
alter table attempt add column number integer not null default 0;
update attempt set number = (
    select count(*) from attempt as earlier where (earlier.taken, earlier.id) <= (attempt.taken, attempt.id)
);
create table stop (attempt text primary key, how text not null) without rowid
""",
    2: """
alter table event add column blame text not null default 'nobody';
insert into fact select 'acked', coalesce(
    (select min(seq) - 1 from event), (select value from fact where name = 'seq')
);
insert into fact select 'told', value from fact where name = 'acked'
""",
    3: """
create table if not exists offer (
    id text primary key, printer text not null, body blob not null, heard real not null, until real not null,
    answer text not null, why text not null
) without rowid;
create table if not exists refusal (id integer primary key, at real not null, printer text not null, what text not null)
""",
}


def statements(version: int) -> list[str]:
    """What makes a file of this version (0: an empty one) one of today's, in order; the version must be older."""
    scripts = [_FROM[each] for each in range(version, VERSION)] if version else [TABLES]
    return ";".join(scripts).split(";")
