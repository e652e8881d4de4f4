-- What a scan of damaged files found, before it is judged; temporary, beside the log that is made.

-- name: make
CREATE TEMP TABLE found (
    row INTEGER PRIMARY KEY,
    pos INTEGER NOT NULL,
    ordinal INTEGER NOT NULL,
    correlation BLOB NOT NULL,
    key TEXT,
    hash BLOB NOT NULL,
    body BLOB NOT NULL,
    digest BLOB NOT NULL,
    UNIQUE (pos, hash, digest)
);
CREATE TEMP TABLE found_log (
    no INTEGER NOT NULL,
    id BLOB NOT NULL,
    parent_log BLOB,
    parent_seq INTEGER,
    parent_hash BLOB,
    first_kept INTEGER NOT NULL,
    before_hash BLOB NOT NULL,
    UNIQUE (no, id, first_kept)
);
CREATE TEMP TABLE found_lost (
    no INTEGER NOT NULL,
    log BLOB NOT NULL,
    stream INTEGER NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,
    reason TEXT NOT NULL,
    proven INTEGER NOT NULL
);
CREATE TEMP TABLE taken (digest BLOB PRIMARY KEY) WITHOUT ROWID;

-- name: found_event
INSERT OR IGNORE INTO found (pos, ordinal, correlation, key, hash, body, digest)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)

-- name: found_log
INSERT OR IGNORE INTO found_log VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)

-- name: found_lost
INSERT INTO found_lost VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)

-- name: found_message
INSERT OR IGNORE INTO inbox VALUES (?1, ?2, ?3, ?4, ?5, ?6)

-- name: log_numbers
-- A number may be damaged, of a log's row or in an event's position. A log has one: that under which
-- most of its events are. Events of a log whose row is gone may be of the newest, unless the head
-- file's (?2) is known.
WITH counted (no, id, events) AS (
    SELECT DISTINCT no, id,
        (SELECT count(*) FROM found WHERE pos BETWEEN no << 40 AND (no << 40) + 1099511627775)
    FROM found_log WHERE no BETWEEN ?1 << 16 AND (?1 << 16) + 65534),
named (no, id) AS (
    SELECT no, id FROM counted AS one WHERE NOT EXISTS (
        SELECT 1 FROM counted AS other WHERE other.id = one.id AND other.no <> one.no
        AND (other.events > one.events OR (other.events = one.events AND other.no < one.no))))
SELECT no FROM named
UNION SELECT pos >> 40 FROM found
WHERE pos >> 40 BETWEEN ?1 << 16 AND (?1 << 16) + 65534
AND (NOT EXISTS (SELECT 1 FROM named WHERE id = ?2) OR pos >> 40 <= (SELECT max(no) FROM named))
ORDER BY 1

-- name: logs
SELECT no, id, parent_log, parent_seq, parent_hash, first_kept, before_hash, 0, 0, 0, 0
FROM found_log WHERE no = ?1 ORDER BY first_kept DESC

-- name: end
SELECT ifnull((SELECT min(parent_seq) FROM found_log WHERE no = ?1 + 1),
              (SELECT max(pos) & 1099511627775 FROM found WHERE pos >> 40 = ?1))

-- name: events
SELECT row, pos, hash, body FROM found
WHERE pos BETWEEN ?1 << 40 | ?2 AND (?1 << 40) + ?3 ORDER BY pos, row

-- name: event
SELECT ordinal, correlation, key, body, digest FROM found WHERE row = ?1

-- name: take
INSERT OR IGNORE INTO taken VALUES (?1) RETURNING 1

-- name: log_put
INSERT INTO log VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 0, 0, 0, 0)

-- name: inbox_mark
UPDATE inbox_mark SET epoch = ifnull((SELECT max(epoch) FROM inbox), 0), through = 0

-- name: inbox_contiguous
UPDATE inbox_mark SET through = ifnull((
    SELECT max(number) FROM (
        SELECT number, row_number() OVER (ORDER BY number) AS place
        FROM (SELECT DISTINCT number FROM inbox WHERE inbox.epoch = inbox_mark.epoch))
    WHERE number = place), 0)

-- name: lost_proven
-- What came back shortens a note from its beginning: of two the shorter is the newer.
INSERT INTO lost SELECT no, log, stream, max(first), last, at_ms, reason
FROM found_lost WHERE proven GROUP BY no

-- name: lost_others
-- Those that no proof was found of; one that differs from a proven one in its number or in all else
-- is that one, damaged.
INSERT OR IGNORE INTO lost SELECT no, log, stream, first, last, at_ms, reason
FROM found_lost AS f WHERE NOT proven AND NOT EXISTS (
    SELECT 1 FROM found_lost p WHERE p.proven AND p.log = f.log AND p.stream = f.stream
    AND p.first = f.first AND p.last = f.last AND p.at_ms = f.at_ms AND p.reason = f.reason)

-- name: drop
DROP TABLE temp.found;
DROP TABLE temp.found_log;
DROP TABLE temp.found_lost;
DROP TABLE temp.taken;
