/*
 * How far somebody who goes through the hub's events in their order has come: one number, in a
 * table of one row. Inside the caller's transaction.
 */
#ifndef SYNC_HUB_INGEST_CURSOR_H
#define SYNC_HUB_INGEST_CURSOR_H

#include "hal/database.h"

/* By the statements of ingest.sql that read (any that gives one number) and move it. */
enum err cursor_read(struct database *db, size_t statement, int64_t *cursor,
                     struct fault *fault) MUST_CHECK;
enum err cursor_move(struct database *db, size_t statement, int64_t cursor,
                     struct fault *fault) MUST_CHECK;

#endif
