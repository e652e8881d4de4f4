/*
 * What a hub's database says of itself, and the file `epoch` beside it says of the database: a
 * database that is behind its file was restored from a backup, or has lost its end. Only for
 * hubdb.c, which judges. Blocks.
 */
#ifndef SYNC_HUB_INGEST_EPOCH_MARK_H
#define SYNC_HUB_INGEST_EPOCH_MARK_H

#include "hal/database.h"

enum { EPOCH_MARK_GROUP_BYTES = 16, EPOCH_MARK_GROUP_MAX = 2 * EPOCH_MARK_GROUP_BYTES };

struct epoch_mark {
    bool found;
    int64_t epoch;
    int64_t generation;
    char place[DATABASE_PLACE_MAX];       /* the database's only */
    char group[EPOCH_MARK_GROUP_MAX + 1]; /* the database's only */
};

/* A file that can't be read as what it should be counts as lost: *mark stays as it is. */
enum err epoch_mark_read_file(const char *folder, struct epoch_mark *mark,
                              struct fault *fault) MUST_CHECK;
enum err epoch_mark_write_file(const char *folder, const struct epoch_mark *mark,
                               struct fault *fault) MUST_CHECK;

enum err epoch_mark_read(struct database *db, struct epoch_mark *mark,
                         struct fault *fault) MUST_CHECK;
/* Under a new epoch messages that wait are numbered anew from 1. Inside the caller's transaction.
 */
enum err epoch_mark_write(struct database *db, const struct epoch_mark *mark, bool new_epoch,
                          struct fault *fault) MUST_CHECK;
/* The database is about to move: its place is no reason to take it for a restored one. */
enum err epoch_mark_forget_place(struct database *db, struct fault *fault) MUST_CHECK;

#endif
