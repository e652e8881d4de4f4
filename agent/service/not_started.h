/*
 * Why tillbackd couldn't start: kept in the state directory from a start that failed to the next
 * that doesn't, for who stands before the box and can't read its journal. Blocks on the disk. Any
 * thread.
 */
#ifndef AGENT_SERVICE_NOT_STARTED_H
#define AGENT_SERVICE_NOT_STARTED_H

#include "hal/base/fault.h"

#include <stdbool.h>

enum { NOT_STARTED_MAX = FAULT_WHERE_MAX + FAULT_TEXT_MAX + 2 };

/*
 * Notes `told`. Nothing is noted when another process runs there (ERR_LOCKED), or when the folder
 * is missing.
 */
enum err not_started_note(const char *folder, enum err why, const struct fault *told,
                          struct fault *fault) MUST_CHECK;
/* One line without its end; false when the last start was not one that failed. */
bool not_started_read(const char *folder, char why[static NOT_STARTED_MAX]);
enum err not_started_forget(const char *folder, struct fault *fault) MUST_CHECK;

#endif
