#include "sync/eventlog/lost.h"
#include "sync/eventlog/log.sql.h"

#include <inttypes.h>
#include <stdio.h>

static void bind_lost(struct statement *s, const struct eventlog_lost *lost)
{
    bind_blob(s, 1, lost->log.bytes, ID_BYTES);
    bind_int(s, 2, lost->stream);
    bind_int(s, 3, lost->first);
    bind_int(s, 4, lost->last);
    bind_int(s, 5, lost->at_ms);
    bind_text(s, 6, lost->reason);
}

enum err lost_add(struct database *db, const struct eventlog_lost *lost, struct fault *fault)
{
    struct statement *s;
    enum err err = database_statement(db, LOG_LOST_INSERT, &s, fault);
    if (err)
        return err;
    bind_lost(s, lost);
    err = database_run(db, s, fault);
    return err ? err : lost_prove(db, fault);
}

static enum err read_lost(struct statement *s, struct eventlog_lost *lost, struct fault *fault)
{
    int64_t stream = column_int(s, 1);
    if (column_bytes(s, 0, lost->log.bytes, ID_BYTES) || stream < 0 ||
        stream >= STREAMS_OF_APPLIANCE)
        return fault_set(fault, ERR_CORRUPT, "lost", "a note is of no log that there can be");
    lost->stream = (enum stream)stream;
    lost->first = column_int(s, 2);
    lost->last = column_int(s, 3);
    lost->at_ms = column_int(s, 4);
    struct slice reason = column_slice(s, 5);
    (void)snprintf(lost->reason, sizeof lost->reason, "%.*s", (int)reason.len, reason.data);
    return ERR_OK;
}

enum err lost_each(struct database *db, eventlog_visit_lost *visit, void *context,
                   struct fault *fault)
{
    struct statement *s;
    enum err err = database_statement(db, LOG_LOST_LIST, &s, fault);
    if (err)
        return err;
    bool there = true;
    while (!err && there) {
        struct eventlog_lost lost = {0};
        err = database_step(db, s, &there, fault);
        if (!err && there)
            err = read_lost(s, &lost, fault);
        if (!err && there)
            err = visit(context, &lost, fault);
    }
    statement_reset(s);
    return err;
}

/* --- Proofs ---------------------------------------------------------------------------------- */

struct sha256 lost_hash(int64_t no, const struct eventlog_lost *lost)
{
    char text[200];
    int len = snprintf(text, sizeof text, "%" PRId64 " %d %" PRId64 " %" PRId64 " %" PRId64 " %s",
                       no, (int)lost->stream, lost->first, lost->last, lost->at_ms, lost->reason);
    const struct slice parts[] = {{(const char *)lost->log.bytes, ID_BYTES}, {text, (size_t)len}};
    return sha256_of_all(parts, 2);
}

static enum err next_unproven(struct database *db, int64_t *no, struct eventlog_lost *lost,
                              bool *found, struct fault *fault)
{
    struct statement *s;
    enum err err = database_statement(db, LOG_LOST_UNPROVEN, &s, fault);
    if (!err)
        err = database_step(db, s, found, fault);
    if (err || !*found)
        return err;
    *no = column_int(s, 6);
    err = read_lost(s, lost, fault);
    statement_reset(s);
    return err;
}

static enum err prove(struct database *db, int64_t no, const struct eventlog_lost *lost,
                      struct fault *fault)
{
    struct statement *s;
    struct sha256 hash = lost_hash(no, lost);
    enum err err = database_statement(db, LOG_LOST_PROVE, &s, fault);
    if (err)
        return err;
    bind_lost(s, lost);
    bind_int(s, 7, no);
    bind_blob(s, 8, hash.bytes, SHA256_BYTES);
    return database_run(db, s, fault);
}

enum err lost_prove(struct database *db, struct fault *fault)
{
    bool found = true;
    enum err err = ERR_OK;
    while (!err && found) {
        struct eventlog_lost lost = {0};
        int64_t no = 0;
        err = next_unproven(db, &no, &lost, &found, fault);
        if (!err && found)
            err = prove(db, no, &lost, fault);
    }
    return err;
}

static bool is_right(struct statement *s)
{
    struct eventlog_lost lost = {0};
    struct sha256 stored;
    if (read_lost(s, &lost, NULL) || column_bytes(s, 7, stored.bytes, SHA256_BYTES))
        return false;
    struct sha256 hash = lost_hash(column_int(s, 6), &lost);
    return sha256_equal(&hash, &stored) && column_int(s, 8);
}

enum err lost_check(struct database *db, bool *sound, struct fault *fault)
{
    struct statement *s;
    bool there = true;
    bool right = true;
    enum err err = database_statement(db, LOG_LOST_PROOFS, &s, fault);
    if (err)
        return err;
    while (!err && there && right) {
        err = database_step(db, s, &there, fault);
        right = err || !there || is_right(s);
    }
    statement_reset(s);
    if (!err)
        *sound = right;
    return err;
}

enum err lost_sums(struct database *db, int64_t events[STREAMS_OF_APPLIANCE], int64_t *at_ms,
                   struct fault *fault)
{
    struct statement *s;
    enum err err = database_statement(db, LOG_LOST_SUMS, &s, fault);
    if (err)
        return err;
    bool there;
    err = database_step(db, s, &there, fault);
    if (err)
        return err;
    for (int i = 0; i < STREAMS_OF_APPLIANCE; i++)
        events[i] = column_int(s, i);
    *at_ms = column_int(s, STREAMS_OF_APPLIANCE);
    statement_reset(s);
    return ERR_OK;
}
