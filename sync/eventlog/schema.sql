-- The migrations, oldest first; the schema version is how many were run.
--
-- An update may be taken back, and then the older program opens what the newer one left: a new version
-- adds only what the older can do without, and says so with PRAGMA application_id = the oldest
-- version whose programs may go on.

-- name: v1
-- A stream is a row of logs: the first one and its forks. `no` is stream << 16 | forks before it.
CREATE TABLE log (
    no INTEGER PRIMARY KEY,
    id BLOB NOT NULL UNIQUE,
    parent_log BLOB,
    parent_seq INTEGER,
    parent_hash BLOB,
    first_kept INTEGER NOT NULL,        -- the first seq that is not pruned
    before_hash BLOB NOT NULL,          -- the chain before it
    through INTEGER NOT NULL,           -- the hub's watermark
    backed_up_through INTEGER NOT NULL,
    ack_no INTEGER NOT NULL,
    hub_epoch INTEGER NOT NULL
) STRICT;

-- `pos` is log << 40 | seq: one range of it is one log, or one stream. `ordinal` grows over all
-- streams and the inbox: the order in which the views saw things.
CREATE TABLE event (
    pos INTEGER PRIMARY KEY,
    ordinal INTEGER NOT NULL,
    correlation BLOB NOT NULL,
    key TEXT,
    hash BLOB NOT NULL,
    body BLOB NOT NULL
) STRICT;
CREATE INDEX event_correlation ON event (correlation);
CREATE UNIQUE INDEX event_key ON event (key) WHERE key IS NOT NULL;

-- What the hub refused and keeps for a person.
CREATE TABLE parked (
    id BLOB NOT NULL, -- zeros when the body couldn't be read
    log INTEGER NOT NULL REFERENCES log (no),
    seq INTEGER NOT NULL,
    code TEXT NOT NULL,
    detail TEXT NOT NULL,
    PRIMARY KEY (log, seq)
) STRICT, WITHOUT ROWID;

-- The hub's messages. One that can't be read has no id and no correlation.
CREATE TABLE inbox (
    ordinal INTEGER PRIMARY KEY,
    epoch INTEGER NOT NULL,
    number INTEGER NOT NULL,
    id BLOB UNIQUE,
    correlation BLOB,
    body BLOB NOT NULL
) STRICT;
CREATE INDEX inbox_correlation ON inbox (correlation) WHERE correlation IS NOT NULL;

CREATE TABLE inbox_mark (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    epoch INTEGER NOT NULL,
    through INTEGER NOT NULL
) STRICT;
INSERT INTO inbox_mark VALUES (1, 0, 0);

CREATE TABLE view (
    name TEXT PRIMARY KEY,
    version INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- name: v2
-- Events that were saved once and are not here any more; `first` and `last` are seqs of that log.
CREATE TABLE lost (
    no INTEGER PRIMARY KEY,
    log BLOB NOT NULL,
    stream INTEGER NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,
    reason TEXT NOT NULL
) STRICT;

-- Where the log was cut: the views as of that ordinal are in the file checkpoint-ORDINAL.db.
CREATE TABLE checkpoint (
    ordinal INTEGER PRIMARY KEY,
    at_ms INTEGER NOT NULL
) STRICT;

-- name: v3
-- Logs that were not here and came back from the hub.
CREATE TABLE restored (
    log BLOB PRIMARY KEY
) STRICT, WITHOUT ROWID;

-- name: v4
-- Each note of a loss once more, with a hash over it, since no chain covers them. Whoever changes a
-- note makes its proof anew; an older program makes none.
CREATE TABLE lost_proof (
    no INTEGER PRIMARY KEY,
    log BLOB NOT NULL,
    stream INTEGER NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,
    reason TEXT NOT NULL,
    hash BLOB NOT NULL
) STRICT;
CREATE TRIGGER lost_changed AFTER UPDATE ON lost BEGIN
    DELETE FROM lost_proof WHERE no = old.no;
END;
CREATE TRIGGER lost_gone AFTER DELETE ON lost BEGIN
    DELETE FROM lost_proof WHERE no = old.no;
END;
PRAGMA application_id = 3;
