/*
 * Puts a damaged database aside, never away: the database and its write-ahead log move to a folder
 * quarantine-TIME, and what was salvaged of them takes their place. A crash at any point leaves
 * something from which the next start goes on. One thread at a time; blocks on the disk.
 */
#ifndef SYNC_EVENTLOG_QUARANTINE_H
#define SYNC_EVENTLOG_QUARANTINE_H

#include "sync/eventlog/eventlog.h"
#include "sync/eventlog/salvage.h"

/* Ends a move that a crash cut short; nothing, as a rule. */
enum err quarantine_resume(const struct eventlog_config *config, struct fault *fault) MUST_CHECK;
/* Salvages into a new log and puts the damaged one aside; nobody has it open for writing. */
enum err quarantine_now(const struct eventlog_config *config, const struct head *head,
                        struct id_source *ids, struct fault *fault) MUST_CHECK;

/* What eventlog_suspect leaves in the folder. */
bool suspicion_noted(const struct eventlog_config *config);
enum err suspicion_clear(const struct eventlog_config *config, struct fault *fault) MUST_CHECK;

#endif
