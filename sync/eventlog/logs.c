#include "sync/eventlog/logs.h"

#include <assert.h>

enum { SEQ_BITS = 40, FORK_BITS = 16 };

#define SEQ_MASK ((INT64_C(1) << SEQ_BITS) - 1)

int64_t log_position(int64_t no, int64_t seq)
{
    assert(seq >= 0 && seq <= SEQ_MASK);
    return no << SEQ_BITS | seq;
}

int64_t log_position_seq(int64_t position)
{
    return position & SEQ_MASK;
}

enum stream log_stream(int64_t no)
{
    return (enum stream)(no >> FORK_BITS);
}

enum {
    NO,
    ID,
    PARENT_LOG,
    PARENT_SEQ,
    PARENT_HASH,
    FIRST_KEPT,
    BEFORE_HASH,
    THROUGH,
    BACKED_UP,
    ACK_NO,
    HUB_EPOCH
};

enum err log_row_read(struct statement *s, struct log_row *row, struct fault *fault)
{
    *row = (struct log_row){
        .no = column_int(s, NO),
        .forked = !column_is_null(s, PARENT_LOG),
        .first_kept = column_int(s, FIRST_KEPT),
        .through = column_int(s, THROUGH),
        .backed_up_through = column_int(s, BACKED_UP),
        .ack_no = column_int(s, ACK_NO),
        .hub_epoch = column_int(s, HUB_EPOCH),
        .parent.seq = column_int(s, PARENT_SEQ),
    };
    if (column_bytes(s, ID, row->id.bytes, ID_BYTES) ||
        column_bytes(s, BEFORE_HASH, row->before_hash.bytes, SHA256_BYTES) ||
        (row->forked && (column_bytes(s, PARENT_LOG, row->parent.log.bytes, ID_BYTES) ||
                         column_bytes(s, PARENT_HASH, row->parent.hash.bytes, SHA256_BYTES))))
        return fault_set(fault, ERR_CORRUPT, "log", "log %lld has an id or hash of a wrong length",
                         (long long)row->no);
    return ERR_OK;
}

static enum err read_one(struct database *db, struct statement *s, struct log_row *row, bool *found,
                         struct fault *fault)
{
    bool there;
    enum err err = database_step(db, s, &there, fault);
    if (err)
        return err;
    struct log_row made;
    if (there)
        err = log_row_read(s, &made, fault);
    statement_reset(s);
    if (err)
        return err;
    if (there)
        *row = made;
    *found = there;
    return ERR_OK;
}

static enum err read_by_number(struct database *db, size_t statement, int64_t number,
                               struct log_row *row, bool *found, struct fault *fault)
{
    struct statement *s;
    enum err err = database_statement(db, statement, &s, fault);
    if (err)
        return err;
    bind_int(s, 1, number);
    return read_one(db, s, row, found, fault);
}

enum err log_newest(struct database *db, enum stream stream, struct log_row *row, bool *found,
                    struct fault *fault)
{
    return read_by_number(db, LOG_LOG_NEWEST, stream, row, found, fault);
}

enum err log_after(struct database *db, int64_t no, struct log_row *row, bool *found,
                   struct fault *fault)
{
    return read_by_number(db, LOG_LOG_AFTER, no, row, found, fault);
}

enum err log_by_id(struct database *db, const struct id *id, struct log_row *row, bool *found,
                   struct fault *fault)
{
    struct statement *s;
    enum err err = database_statement(db, LOG_LOG_BY_ID, &s, fault);
    if (err)
        return err;
    bind_blob(s, 1, id->bytes, ID_BYTES);
    return read_one(db, s, row, found, fault);
}

enum err log_add(struct database *db, int64_t no, const struct id *id,
                 const struct chain_parent *parent, struct log_row *row, struct fault *fault)
{
    struct log_row made = {
        .no = no,
        .id = *id,
        .forked = parent != NULL,
        .first_kept = 1,
        .before_hash = chain_origin(id, parent),
    };
    struct statement *s;
    enum err err = database_statement(db, LOG_LOG_INSERT, &s, fault);
    if (err)
        return err;
    bind_int(s, 1, no);
    bind_blob(s, 2, id->bytes, ID_BYTES);
    if (parent) {
        made.parent = *parent;
        bind_blob(s, 3, parent->log.bytes, ID_BYTES);
        bind_int(s, 4, parent->seq);
        bind_blob(s, 5, parent->hash.bytes, SHA256_BYTES);
    }
    bind_blob(s, 6, made.before_hash.bytes, SHA256_BYTES);
    err = database_run(db, s, fault);
    if (!err)
        *row = made;
    return err;
}

enum err log_save_ack(struct database *db, const struct log_row *row, struct fault *fault)
{
    struct statement *s;
    enum err err = database_statement(db, LOG_LOG_ACKNOWLEDGED, &s, fault);
    if (err)
        return err;
    bind_int(s, 1, row->no);
    bind_int(s, 2, row->through);
    bind_int(s, 3, row->backed_up_through);
    bind_int(s, 4, row->ack_no);
    bind_int(s, 5, row->hub_epoch);
    return database_run(db, s, fault);
}

static enum err bad_hash(const struct log_row *row, struct fault *fault)
{
    return fault_set(fault, ERR_CORRUPT, "event", "log %lld holds a hash of a wrong length",
                     (long long)row->no);
}

enum err log_head(struct database *db, const struct log_row *row, int64_t *seq, struct sha256 *hash,
                  struct fault *fault)
{
    struct statement *s;
    enum err err = database_statement(db, LOG_EVENT_LAST, &s, fault);
    if (err)
        return err;
    bind_int(s, 1, log_position(row->no, 0));
    bind_int(s, 2, log_position(row->no, SEQ_MASK));
    bool there;
    err = database_step(db, s, &there, fault);
    if (err)
        return err;
    int64_t last = there ? log_position_seq(column_int(s, 0)) : row->first_kept - 1;
    struct sha256 at = row->before_hash;
    if (there && column_bytes(s, 1, at.bytes, SHA256_BYTES))
        err = bad_hash(row, fault);
    statement_reset(s);
    if (err)
        return err;
    *seq = last;
    *hash = at;
    return ERR_OK;
}

enum err log_hash_at(struct database *db, const struct log_row *row, int64_t seq,
                     struct sha256 *hash, bool *found, struct fault *fault)
{
    *found = seq == row->first_kept - 1;
    if (*found)
        *hash = row->before_hash;
    if (seq < row->first_kept)
        return ERR_OK;
    struct statement *s;
    enum err err = database_statement(db, LOG_EVENT_HASH, &s, fault);
    if (err)
        return err;
    bind_int(s, 1, log_position(row->no, seq));
    err = database_step(db, s, found, fault);
    if (err || !*found)
        return err;
    if (column_bytes(s, 0, hash->bytes, SHA256_BYTES))
        err = bad_hash(row, fault);
    statement_reset(s);
    return err;
}
