/*
 * One return at work in the books: its position while events are applied to it, held or parked, and
 * written back once. Inside of bookkeeper and rebuild only; inside the caller's transaction.
 */
#ifndef SYNC_HUB_INGEST_DESK_H
#define SYNC_HUB_INGEST_DESK_H

#include "hal/base/arena.h"
#include "hal/base/buf.h"
#include "sync/hub/ingest/news.h"
#include "sync/hub/ledger/books.h"
#include "sync/hub/ledger/ledger.h"

enum { DESK_ARENA_MAX = 128 * 1024 * 1024 };

/* One return at work: its position as it grows, written back once. */
struct desk {
    struct database *db;
    const struct books *books;
    int64_t now_ms;
    struct news *news;
    struct id correlation;
    struct arena arena;
    struct cJSON *document; /* the stored position's */
    struct position position;
    bool moved;
    bool unfinished; /* more of what is held may have its turn */
    struct fault *fault;
};

/* An event with the row it came from; the body is its own copy. */
struct filed {
    int64_t event_no;
    int64_t received_ms;
    int64_t log_no;
    int64_t seq;
    struct buf body;
    struct event event;
};

/* Where it stands. All borrowed. */
struct desk_place {
    struct database *db;
    const struct books *books;
    int64_t now_ms;
    struct news *news;
};

/* ERR_REFUSED when the stored position can't be read. desk_close it all the same. */
enum err desk_open(struct desk *desk, const struct desk_place *place, const struct id *correlation,
                   struct fault *fault) MUST_CHECK;
/* The same, of a position that was read already; empty: there is none yet. */
enum err desk_open_at(struct desk *desk, const struct desk_place *place,
                      const struct id *correlation, struct slice position,
                      struct fault *fault) MUST_CHECK;
void desk_close(struct desk *desk);
/* Writes the position back if it moved. */
enum err desk_save(struct desk *desk) MUST_CHECK;

/* The stored event; its texts live in the desk's arena or in filed->body, which the caller frees.
 */
enum err desk_load(struct desk *desk, int64_t event_no, struct filed *filed) MUST_CHECK;
/* held, applied, parked or discarded; the middle and the last take a place in the order. */
enum err desk_mark(struct desk *desk, int64_t event_no, const char *state) MUST_CHECK;
enum err desk_park(struct desk *desk, const struct filed *filed, const char *code,
                   const struct fault *why) MUST_CHECK;
/* The code under which an error of the ledger parks. */
const char *desk_reason(enum err err);
/* The log's acknowledgement has something new to say. */
enum err desk_note_log(struct desk *desk, int64_t log_no) MUST_CHECK;

/* Applies, keeps the entries, and marks the event with the state; the position moves on. */
enum err desk_apply(struct desk *desk, const struct filed *filed, const struct milestone *milestone,
                    const char *state) MUST_CHECK;
enum err desk_keep_entries(struct desk *desk, const struct filed *filed,
                           const struct ledger_result *result) MUST_CHECK;
/* The event as one that moves its return's count on and means nothing. */
enum err desk_nothing(struct desk *desk, const struct event *event,
                      struct milestone *out) MUST_CHECK;

/* Applies what is held of a return as far as its order allows, at as many desks as it takes. */
enum err desk_work(const struct desk_place *place, const struct id *correlation,
                   struct fault *fault) MUST_CHECK;

#endif
