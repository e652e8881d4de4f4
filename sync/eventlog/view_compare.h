/*
 * Holds the views of a log against a rebuild of them in a database of its own, which is deleted
 * afterwards. Reads only; on the handle's thread.
 */
#ifndef SYNC_EVENTLOG_VIEW_COMPARE_H
#define SYNC_EVENTLOG_VIEW_COMPARE_H

#include "sync/eventlog/eventlog.h"

/* Reports each table that differs, as "view". `db` is in a transaction. */
enum err view_compare(struct database *db, const struct eventlog_view *list, size_t count,
                      eventlog_report *report, void *context, struct fault *fault) MUST_CHECK;

#endif
