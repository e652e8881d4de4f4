-- The hub's database, version by version. Never change a version that was released: add one.
-- name: first
CREATE TABLE hub (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    epoch INTEGER NOT NULL,
    generation INTEGER NOT NULL -- grows at each start and after each backup: see hubdb.h
);

CREATE TABLE device (
    id TEXT PRIMARY KEY,
    first_seen_ms INTEGER NOT NULL,
    last_seen_ms INTEGER NOT NULL,
    session BLOB,
    session_started_ms INTEGER,
    online INTEGER NOT NULL DEFAULT 0,
    state TEXT, -- the newest up/state, as it came
    inbox_next INTEGER NOT NULL DEFAULT 1,
    inbox_through INTEGER NOT NULL DEFAULT 0
);

CREATE TABLE stream_log (
    log_no INTEGER PRIMARY KEY,
    log_id BLOB NOT NULL UNIQUE,
    device TEXT NOT NULL REFERENCES device (id),
    stream TEXT NOT NULL,
    parent_log BLOB,
    parent_seq INTEGER,
    parent_hash BLOB,
    through INTEGER NOT NULL,
    hash BLOB NOT NULL, -- the chain at through; at 0 the log's origin
    backed_up_through INTEGER NOT NULL,
    ack_no INTEGER NOT NULL,
    created_ms INTEGER NOT NULL,
    updated_ms INTEGER NOT NULL
);
CREATE INDEX stream_log_by_device ON stream_log (device, stream, log_no);

-- A fact, once, however many logs and batches brought it. `id` is NULL when the body can't be
-- trusted to name itself: unreadable, or with the id of another event; such a one is parked.
CREATE TABLE event (
    event_no INTEGER PRIMARY KEY,
    id BLOB UNIQUE,
    device TEXT NOT NULL,
    log_no INTEGER NOT NULL REFERENCES stream_log (log_no),
    seq INTEGER NOT NULL,
    type TEXT,
    subject TEXT,
    correlation BLOB,
    sequence INTEGER,
    time_ms INTEGER,
    received_ms INTEGER NOT NULL,
    body_hash BLOB NOT NULL,
    body BLOB NOT NULL
);
CREATE UNIQUE INDEX event_nameless ON event (device, body_hash) WHERE id IS NULL;
CREATE INDEX event_by_correlation ON event (correlation, sequence);
CREATE INDEX event_by_subject ON event (subject);

-- Where events stand in logs: a forked log brings some of its parent's again.
CREATE TABLE entry (
    log_no INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    event_no INTEGER NOT NULL,
    hash BLOB NOT NULL, -- the chain at this event
    PRIMARY KEY (log_no, seq)
) WITHOUT ROWID;

-- What is held above `through`: neither touching nor overlapping.
CREATE TABLE held_range (
    log_no INTEGER NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    PRIMARY KEY (log_no, first)
) WITHOUT ROWID;

CREATE TABLE parked (
    parked_no INTEGER PRIMARY KEY,
    log_no INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    event_no INTEGER NOT NULL UNIQUE REFERENCES event (event_no),
    claimed_id BLOB, -- the id that the body gives itself, if it can be read
    code TEXT NOT NULL,
    detail TEXT NOT NULL,
    state TEXT NOT NULL, -- open, resubmitted, discarded
    parked_ms INTEGER NOT NULL
);
CREATE INDEX parked_by_log ON parked (log_no, state, parked_no);

-- What a person should look at; the same thing again only counts.
CREATE TABLE hub_exception (
    exception_no INTEGER PRIMARY KEY,
    code TEXT NOT NULL,
    device TEXT NOT NULL,
    log_id BLOB NOT NULL,
    seq INTEGER NOT NULL,
    detail TEXT NOT NULL,
    times INTEGER NOT NULL,
    raised_ms INTEGER NOT NULL,
    last_ms INTEGER NOT NULL,
    UNIQUE (code, device, log_id, seq)
);

CREATE TABLE return_index (
    correlation BLOB PRIMARY KEY,
    event_no INTEGER NOT NULL,
    device TEXT NOT NULL,
    number TEXT,
    receipt TEXT,
    created_ms INTEGER NOT NULL
);
CREATE INDEX return_index_by_receipt ON return_index (receipt);
CREATE INDEX return_index_by_number ON return_index (number);

CREATE TABLE inbox_out (
    device TEXT NOT NULL REFERENCES device (id),
    number INTEGER NOT NULL,
    body BLOB NOT NULL,
    created_ms INTEGER NOT NULL,
    PRIMARY KEY (device, number)
);
