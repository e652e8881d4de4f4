/*
 * Verifies the hub's own database, a file or a server's: when it opens, the write-ahead log and
 * what came last; then, on a thread of its own that gives way to all others, the rest. What it
 * finds it says in the diagnostics, in /healthz and in the metrics; the hub goes on meanwhile,
 * since stores that are offline are worse. Damage in a file is noted in the state directory and
 * rescued (rescue.h) when the hub opens next, which it does by itself as soon as all was looked at;
 * of a server, which several hubs may use, a person decides. Loop thread.
 */
#ifndef SYNC_HUB_AUDITOR_H
#define SYNC_HUB_AUDITOR_H

#include "hal/base/diag.h"
#include "hal/loop.h"
#include "sync/hub/ingest/hubdb.h"

struct auditor;

struct auditor_config {
    struct hubdb_config database; /* its texts are borrowed */
    struct loop *loop;
    struct diag *diag;
    /* All was looked at, and there is damage. Loop thread; maybe after auditor_close. */
    void (*damaged)(void *context);
    void *context;
};

/* Call it before the database is opened: SQLite forgets a damaged end of the write-ahead log. */
enum err auditor_open(struct auditor **auditor, const struct auditor_config *config,
                      struct fault *fault) MUST_CHECK;
/* As hubdb_open; a file that was found damaged, or doesn't open, is rescued first. */
enum err auditor_open_hub(struct auditor *auditor, struct hubdb **hub,
                          struct fault *fault) MUST_CHECK;
/*
 * After auditor_open_hub: looks at what was written last, and begins with the rest on its thread.
 * The pages of a server are its own business.
 */
enum err auditor_begin(struct auditor *auditor, struct hubdb *hub, struct fault *fault) MUST_CHECK;
void auditor_close(struct auditor *auditor); /* before hubdb_close; takes NULL */

/* Somebody else could not read the database. */
void auditor_meet(struct auditor *auditor, const struct fault *fault);
/* Whether opening the hub anew would rescue a file: not again within an hour of the last rescue,
 * which then can't help. */
bool auditor_would_rescue(const struct auditor *auditor);

/* Any thread. */
int64_t auditor_findings(const struct auditor *auditor);
bool auditor_finished(const struct auditor *auditor);

#endif
