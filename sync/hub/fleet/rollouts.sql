-- name: open
SELECT rollout_no FROM rollout WHERE state IN ('running', 'paused', 'halted')
ORDER BY rollout_no LIMIT 1
-- name: returning
SELECT rollout_no FROM rollout WHERE state = 'aborted' AND EXISTS
    (SELECT 1 FROM rollout_device WHERE rollout_device.rollout_no = rollout.rollout_no
     AND rollout_device.state IN ('sent', 'good', 'bad'))
ORDER BY rollout_no LIMIT 1
-- name: last
SELECT coalesce(max(rollout_no), 0) FROM rollout
-- name: add
INSERT INTO rollout (rollout_no, scope, change_no, rules, state, wave, forgiven, why, holder,
                     reason, started_ms, wave_ms)
VALUES (?1, ?2, ?3, ?4, 'running', 0, 0, '', ?5, ?6, ?7, ?7)
-- name: find
SELECT scope, change_no, rules, state, wave, forgiven, why, holder, reason, started_ms, wave_ms,
       ended_ms FROM rollout WHERE rollout_no = ?1
-- name: set
UPDATE rollout SET state = ?2, wave = ?3, forgiven = ?4, why = ?5, wave_ms = ?6, ended_ms = ?7
WHERE rollout_no = ?1
-- name: list
SELECT rollout_no FROM rollout WHERE rollout_no < ?1 ORDER BY rollout_no DESC LIMIT ?2
-- name: member_add
INSERT INTO rollout_device (rollout_no, device, wave, state, before_change, version, online,
                            waiting, sent_ms, release)
VALUES (?1, ?2, ?3, 'planned', ?4, 0, 0, 0, 0, ?5)
-- name: planned
SELECT device FROM rollout_device WHERE rollout_no = ?1 AND state = 'planned' AND wave <= ?2
ORDER BY wave, device LIMIT ?3
-- name: member_sent
UPDATE rollout_device SET state = 'sent', version = ?3, online = ?4, waiting = ?5, sent_ms = ?6
WHERE rollout_no = ?1 AND device = ?2
-- name: given
SELECT device, before_change FROM rollout_device
WHERE rollout_no = ?1 AND state IN ('sent', 'good', 'bad') ORDER BY device LIMIT ?2
-- name: member_returned
UPDATE rollout_device SET state = 'returned' WHERE rollout_no = ?1 AND device = ?2
-- name: counts
SELECT coalesce(sum(CASE WHEN state = 'planned' AND wave = ?2 THEN 1 ELSE 0 END), 0),
       coalesce(sum(CASE WHEN state IN ('good', 'bad') OR (state = 'sent' AND online <> 0)
                         THEN 1 ELSE 0 END), 0),
       coalesce(sum(CASE WHEN state = 'good' THEN 1 ELSE 0 END), 0),
       coalesce(sum(CASE WHEN state = 'bad' THEN 1 ELSE 0 END), 0),
       coalesce(sum(CASE WHEN state = 'sent' AND online <> 0 AND sent_ms < ?3 THEN 1 ELSE 0 END), 0),
       coalesce(sum(CASE WHEN state = 'sent' AND online <> 0 AND sent_ms >= ?3 THEN 1 ELSE 0 END), 0),
       count(*), coalesce(sum(CASE WHEN state = 'planned' THEN 1 ELSE 0 END), 0),
       coalesce(sum(CASE WHEN state = 'sent' AND online = 0 THEN 1 ELSE 0 END), 0),
       coalesce(sum(CASE WHEN state = 'returned' THEN 1 ELSE 0 END), 0)
FROM rollout_device WHERE rollout_no = ?1
-- name: backlogs
SELECT rollout_device.waiting, device.state FROM rollout_device
JOIN device ON device.id = rollout_device.device
WHERE rollout_device.rollout_no = ?1 AND rollout_device.state = 'good' AND device.online <> 0
ORDER BY rollout_device.sent_ms DESC LIMIT ?2
-- name: releases
SELECT rollout_device.device, rollout_device.wave, rollout_device.release, device.state,
       device.online, device.last_seen_ms
FROM rollout_device JOIN device ON device.id = rollout_device.device
WHERE rollout_device.rollout_no = ?1 AND rollout_device.state = 'good'
      AND rollout_device.release <> ''
ORDER BY rollout_device.wave, rollout_device.device
-- name: device_state
SELECT state, online FROM device WHERE id = ?1
-- name: members
SELECT rollout_device.device, rollout_device.wave, rollout_device.state, config_report.path,
       config_report.reason FROM rollout_device
LEFT JOIN config_report ON config_report.device = rollout_device.device
    AND config_report.version = rollout_device.version
WHERE rollout_device.rollout_no = ?1 AND rollout_device.state = ?2
ORDER BY rollout_device.wave, rollout_device.device LIMIT ?3
