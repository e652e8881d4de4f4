/*
 * The head file: how far the log has got, kept outside the database and written after each commit,
 * so that a log that lost its tail is noticed at the next start. Preallocated, two slots written
 * in turn, each with a checksum: a torn write leaves the other slot.
 *
 * It goes through the same VFS as the database. Every call blocks on the disk; one thread at a
 * time.
 */
#ifndef SYNC_EVENTLOG_HEAD_H
#define SYNC_EVENTLOG_HEAD_H

#include "hal/base/id.h"
#include "hal/base/sha256.h"
#include "sync/contract/event_type.h"

struct head_file;

struct head_entry {
    struct id log;
    int64_t seq;
    struct sha256 hash;
};

struct head {
    int64_t number; /* grows with every write */
    struct head_entry streams[STREAMS_OF_APPLIANCE];
};

/* Opens or creates. `read_only` is for verification. */
enum err head_open(struct head_file **file, const char *folder, const char *vfs, bool read_only,
                   struct fault *fault) MUST_CHECK;
void head_close(struct head_file *file); /* takes NULL */
/* The newer of the slots that are whole; *found is false when none is. */
enum err head_read(struct head_file *file, struct head *head, bool *found,
                   struct fault *fault) MUST_CHECK;
/* Overwrites the older slot; sets head->number. What is not synced outlives the process only. */
enum err head_write(struct head_file *file, struct head *head, struct fault *fault) MUST_CHECK;
enum err head_sync(struct head_file *file, struct fault *fault) MUST_CHECK;

#endif
