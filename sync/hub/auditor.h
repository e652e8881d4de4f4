/*
 * Verifies the hub's own database, a file or a server's: when it opens, the write-ahead log and
 * what came last; then, on a thread of its own that gives way to all others, the rest. What it
 * finds it says in the diagnostics, in /healthz and in the metrics; the hub goes on, since stores
 * that are offline are worse, and nothing is changed. Damage in a file is noted for the next start,
 * which rescues it (rescue.h); of a server, which several hubs may use, a person decides. Loop
 * thread.
 */
#ifndef SYNC_HUB_AUDITOR_H
#define SYNC_HUB_AUDITOR_H

#include "hal/base/diag.h"
#include "sync/hub/ingest/hubdb.h"

struct auditor;

/* Before the database is opened: SQLite forgets a damaged end of the write-ahead log. `config` is
 * borrowed, its texts too. */
enum err auditor_open(struct auditor **auditor, const struct hubdb_config *config,
                      struct diag *diag, struct fault *fault) MUST_CHECK;
/* hubdb_open, with the rescue of a file that was found damaged, or doesn't open. */
enum err auditor_open_hub(struct auditor *auditor, struct hubdb **hub,
                          struct fault *fault) MUST_CHECK;
/* After it: looks at what came last, and begins with the rest. A server looks after its pages
 * itself. */
enum err auditor_begin(struct auditor *auditor, struct hubdb *hub, struct fault *fault) MUST_CHECK;
void auditor_close(struct auditor *auditor); /* before hubdb_close; takes NULL */

/* Any thread. */
int64_t auditor_findings(const struct auditor *auditor);
bool auditor_finished(const struct auditor *auditor);

#endif
