/* Whose an exception is, by its code, and by when it should be settled. Pure. */
#ifndef SYNC_HUB_INGEST_EXCEPTION_TARGET_H
#define SYNC_HUB_INGEST_EXCEPTION_TARGET_H

#include <stdint.h>

int64_t exception_target_hours(const char *code);
const char *exception_team(const char *code);

#endif
