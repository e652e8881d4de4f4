/* Rows of what the hub has parked, as parked_list gives them. Works on whatever handle it is given.
 */
#ifndef SYNC_EVENTLOG_PARKED_H
#define SYNC_EVENTLOG_PARKED_H

#include "sync/eventlog/eventlog.h"

/* Reads the row that a statement stands on. */
enum err parked_read(struct statement *row, struct eventlog_parked *parked,
                     struct fault *fault) MUST_CHECK;

#endif
