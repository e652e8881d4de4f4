-- name: change_add
INSERT INTO config_change (scope, settings, holder, reason, at_ms) VALUES (?1, ?2, ?3, ?4, ?5)
-- name: change_last
SELECT coalesce(max(change_no), 0) FROM config_change
-- name: layer_of
SELECT settings FROM config_change WHERE scope = ?1 AND change_no <= ?2
ORDER BY change_no DESC LIMIT 1
-- name: change_list
SELECT change_no, scope, holder, reason, at_ms, settings FROM config_change
WHERE (?1 = '' OR scope = ?1) AND change_no < ?2 ORDER BY change_no DESC LIMIT ?3
-- name: groups_of
SELECT name FROM config_group WHERE device = ?1 ORDER BY name
-- name: store_of
SELECT store FROM store_device WHERE device = ?1
-- name: predecessors_of
SELECT of FROM takeover WHERE device = ?1 ORDER BY of
-- name: group_inherit
INSERT INTO config_group (name, device) SELECT name, ?1 FROM config_group WHERE device = ?2
ON CONFLICT (name, device) DO NOTHING
-- name: group_add
INSERT INTO config_group (name, device) VALUES (?1, ?2) ON CONFLICT (name, device) DO NOTHING
-- name: group_remove
DELETE FROM config_group WHERE name = ?1 AND device = ?2
-- name: devices_of_scope
-- Those that are in service.
SELECT id, online FROM device
WHERE id <> 'centre'
  AND id NOT IN (SELECT device FROM roster WHERE state IN ('revoked', 'replaced', 'retired'))
  AND (?1 = 'fleet' OR ?1 = 'device/' || id
       OR id IN (SELECT device FROM config_group WHERE 'group/' || name = ?1)
       OR id IN (SELECT device FROM store_device WHERE 'store/' || store = ?1))
ORDER BY id
-- name: expected_of_scope
-- How many are in service or invited.
SELECT count(*) FROM (SELECT id FROM device WHERE id <> 'centre' UNION SELECT device FROM roster) known
LEFT JOIN roster ON roster.device = known.id
LEFT JOIN store_device ON store_device.device = known.id
WHERE coalesce(roster.state, '') NOT IN ('revoked', 'replaced', 'retired')
  AND (?1 = 'fleet' OR ?1 = 'device/' || known.id
       OR ?1 = 'store/' || coalesce(store_device.store, roster.store)
       OR known.id IN (SELECT device FROM config_group WHERE 'group/' || name = ?1))
-- name: desired_find
SELECT version, change_no, rollout_no, hash, settings, envelope, desired_ms, sent_ms
FROM config_desired WHERE device = ?1
-- name: desired_put
INSERT INTO config_desired (device, version, change_no, rollout_no, hash, settings, envelope,
                            desired_ms, sent_ms)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8)
ON CONFLICT (device) DO UPDATE SET version = excluded.version, change_no = excluded.change_no,
    rollout_no = excluded.rollout_no, hash = excluded.hash, settings = excluded.settings,
    envelope = excluded.envelope, desired_ms = excluded.desired_ms, sent_ms = excluded.sent_ms
-- name: desired_sent
UPDATE config_desired SET sent_ms = ?2 WHERE device = ?1
-- name: desired_unheard
SELECT config_desired.device, config_desired.envelope FROM config_desired
JOIN device ON device.id = config_desired.device AND device.online <> 0
LEFT JOIN config_report ON config_report.device = config_desired.device
WHERE config_desired.sent_ms < ?1 AND coalesce(config_report.seen, 0) < config_desired.version
ORDER BY config_desired.sent_ms LIMIT ?2
-- name: report_find
SELECT state, version, seen, applied_version, applied_hash, path, reason, drift, reported_ms
FROM config_report WHERE device = ?1
-- name: report_put
INSERT INTO config_report (device, state, version, seen, applied_version, applied_hash, path,
                           reason, drift, reported_ms)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
ON CONFLICT (device) DO UPDATE SET state = excluded.state, version = excluded.version,
    seen = excluded.seen, applied_version = excluded.applied_version,
    applied_hash = excluded.applied_hash, path = excluded.path, reason = excluded.reason,
    drift = excluded.drift, reported_ms = excluded.reported_ms
-- name: rollout_result
UPDATE rollout_device SET state = ?3
WHERE device = ?1 AND version = ?2 AND state IN ('sent', 'good', 'bad')
-- name: released_change
SELECT coalesce(max(change_no), 0) FROM rollout WHERE state = 'done' AND scope = ?1
-- name: device_config
SELECT config_desired.version, config_desired.change_no, config_report.state,
       config_report.applied_version, config_report.seen, config_report.path,
       config_report.reason, config_report.drift, config_report.reported_ms,
       config_desired.hash, config_report.applied_hash, config_report.version
FROM device LEFT JOIN config_desired ON config_desired.device = device.id
LEFT JOIN config_report ON config_report.device = device.id WHERE device.id = ?1
-- name: fleet_counts
SELECT count(*), coalesce(sum(CASE WHEN config_report.applied_version = config_desired.version
                                   THEN 1 ELSE 0 END), 0),
       coalesce(sum(CASE WHEN config_report.state IN ('rejected', 'rolled_back')
                              AND config_report.version = config_desired.version
                         THEN 1 ELSE 0 END), 0),
       coalesce(sum(CASE WHEN config_report.state = 'pending_confirm' THEN 1 ELSE 0 END), 0),
       coalesce(sum(CASE WHEN config_report.drift <> '' THEN 1 ELSE 0 END), 0)
FROM config_desired LEFT JOIN config_report ON config_report.device = config_desired.device
