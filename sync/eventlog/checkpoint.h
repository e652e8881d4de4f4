/*
 * The views as they were where the log was cut, in a file of their own beside it. A rebuild starts
 * from it: it copies each view's tables, by the names of their columns, and replays what came
 * after. So a view's new version must be able to take the rows of the older one, with defaults for
 * columns that are new.
 *
 * Works on the caller's thread; blocks on the disk.
 */
#ifndef SYNC_EVENTLOG_CHECKPOINT_H
#define SYNC_EVENTLOG_CHECKPOINT_H

#include "sync/eventlog/views.h"

/* The ordinal at which the log of this handle was cut; 0: never. */
enum err checkpoint_ordinal(struct database *log, int64_t *ordinal, struct fault *fault) MUST_CHECK;
/*
 * In the caller's transaction: fills the chosen of `views` (NULL: all), which are empty, from the
 * newest checkpoint of `log`; *ordinal is where replaying goes on.
 */
enum err checkpoint_load(struct views *views, const bool *which, struct database *log,
                         int64_t *ordinal, struct fault *fault) MUST_CHECK;
/* Makes the file for a cut at `ordinal`, from `log` as it is read now; complete when this returns.
 */
enum err checkpoint_make(const struct eventlog_config *config, struct database *log,
                         int64_t ordinal, struct fault *fault) MUST_CHECK;
/* The newest whole file in a folder whose log is damaged: its ordinal, 0 when there is none. */
int64_t checkpoint_newest(const char *folder);
/* In the caller's transaction: the log is cut at `ordinal`, and nowhere else. */
enum err checkpoint_put(struct database *log, int64_t ordinal, int64_t now_ms,
                        struct fault *fault) MUST_CHECK;
/* Removes the files of all other cuts, and half-made ones. */
enum err checkpoint_tidy(const char *folder, int64_t keep, struct fault *fault) MUST_CHECK;

#endif
