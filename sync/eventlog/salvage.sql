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
CREATE TEMP TABLE taken (digest BLOB PRIMARY KEY) WITHOUT ROWID;

-- name: found_event
INSERT OR IGNORE INTO found (pos, ordinal, correlation, key, hash, body, digest)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)

-- name: found_log
INSERT OR IGNORE INTO found_log VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)

-- name: found_lost
INSERT OR IGNORE INTO lost VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)

-- name: found_message
INSERT OR IGNORE INTO inbox VALUES (?1, ?2, ?3, ?4, ?5, ?6)

-- name: log_numbers
SELECT DISTINCT no FROM (
    SELECT no FROM found_log UNION SELECT pos >> 40 FROM found)
WHERE no BETWEEN ?1 << 16 AND (?1 << 16) + 65534 ORDER BY no

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

-- name: drop
DROP TABLE temp.found;
DROP TABLE temp.found_log;
DROP TABLE temp.taken;
