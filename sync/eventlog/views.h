/*
 * The registered views on one database handle: made, rebuilt, fed. On the handle's thread.
 */
#ifndef SYNC_EVENTLOG_VIEWS_H
#define SYNC_EVENTLOG_VIEWS_H

#include "sync/eventlog/eventlog.h"

struct views {
    struct database *db;
    const struct eventlog_view *list; /* borrowed */
    size_t count;
    struct database_statements **statements;
};

/* Attaches each view's statements to the handle; the views need not exist yet. */
enum err views_attach(struct views *views, struct database *db, const struct eventlog_view *list,
                      size_t count, struct fault *fault) MUST_CHECK;
void views_detach(struct views *views);
struct database_statements *views_find(const struct views *views, const char *name);

/*
 * In the caller's transaction: makes and fills those that are missing or of another version, and
 * forgets those that are no longer registered. *rebuilt counts them.
 */
enum err views_catch_up(struct views *views, size_t *rebuilt, struct fault *fault) MUST_CHECK;
/* In the caller's transaction: drops, makes and fills all. */
enum err views_rebuild(struct views *views, struct fault *fault) MUST_CHECK;
/* Makes and fills all in `views`, which stand on an empty database, from another handle's log. */
enum err views_fill_from(struct views *views, struct database *source,
                         struct fault *fault) MUST_CHECK;
enum err views_apply(struct views *views, const struct eventlog_record *record,
                     struct fault *fault) MUST_CHECK;

#endif
