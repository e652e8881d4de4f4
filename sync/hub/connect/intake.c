#include "sync/hub/connect/intake.h"
#include "hal/base/sha256.h"
#include "sync/hub/ingest/ingest.sql.h"

struct taking {
    struct database *db;
    const char *format;
    int64_t file_no;
    int64_t lines;
};

static enum err keep_line(void *context, const struct settlement_line *line, struct fault *fault)
{
    struct taking *taking = context;
    struct statement *s;
    enum err err = database_statement(taking->db, INGEST_SETTLEMENT_LINE_INSERT, &s, fault);
    if (err)
        return err;
    bind_int(s, 1, taking->file_no);
    bind_int(s, 2, (int64_t)line->row);
    bind_text(s, 3, taking->format);
    bind_text(s, 4, settlement_kind_name(line->kind));
    bind_text(s, 5, line->type);
    bind_text(s, 6, line->batch);
    bind_text(s, 7, line->reference);
    bind_text(s, 8, line->payment);
    bind_text(s, 9, line->own);
    bind_text(s, 10, line->terminal);
    bind_text(s, 11, line->currency);
    bind_int(s, 12, line->gross_minor);
    bind_text(s, 13, line->net_currency);
    bind_int(s, 14, line->fee_minor);
    bind_int(s, 15, line->net_minor);
    bind_int(s, 16, line->day);
    taking->lines++;
    return database_send(taking->db, s, fault);
}

static enum err find_file(struct database *db, const struct sha256 *hash, struct intake *taken,
                          struct fault *fault)
{
    struct statement *s;
    bool row;
    enum err err = database_statement(db, INGEST_SETTLEMENT_FILE_FIND, &s, fault);
    if (err)
        return err;
    bind_blob(s, 1, hash->bytes, SHA256_BYTES);
    err = database_step(db, s, &row, fault);
    if (err || !row)
        return err;
    *taken = (struct intake){column_int(s, 0), column_int(s, 1), true};
    statement_reset(s);
    return ERR_OK;
}

static enum err insert_file(struct taking *taking, const struct sha256 *hash, const char *holder,
                            int64_t now_ms, struct fault *fault)
{
    struct statement *s;
    bool row;
    enum err err = database_statement(taking->db, INGEST_SETTLEMENT_FILE_INSERT, &s, fault);
    if (err)
        return err;
    bind_text(s, 1, taking->format);
    bind_blob(s, 2, hash->bytes, SHA256_BYTES);
    bind_text(s, 3, holder);
    bind_int(s, 4, now_ms);
    err = database_step(taking->db, s, &row, fault);
    if (err)
        return err;
    taking->file_no = row ? column_int(s, 0) : 0;
    statement_reset(s);
    return ERR_OK;
}

static enum err count_lines(struct taking *taking, struct fault *fault)
{
    struct statement *s;
    enum err err = database_statement(taking->db, INGEST_SETTLEMENT_FILE_LINES, &s, fault);
    if (err)
        return err;
    bind_int(s, 1, taking->file_no);
    bind_int(s, 2, taking->lines);
    return database_send(taking->db, s, fault);
}

static enum err read_all(struct taking *taking, enum settlement_format format, struct slice bytes,
                         struct fault *fault)
{
    struct settlement_reader *reader = NULL;
    enum err err = settlement_open(format, keep_line, taking, &reader, fault);
    if (!err)
        err = settlement_feed(reader, bytes, fault);
    if (!err)
        err = settlement_finish(reader, fault);
    settlement_close(reader);
    return err ? err : count_lines(taking, fault);
}

enum err intake_settlement(struct database *db, enum settlement_format format, struct slice bytes,
                           const char *holder, int64_t now_ms, struct intake *taken,
                           struct fault *fault)
{
    struct intake known = {0};
    struct taking taking = {.db = db, .format = settlement_format_name(format)};
    const struct sha256 hash = sha256_of(bytes);
    enum err err = find_file(db, &hash, &known, fault);
    if (err)
        return err;
    if (known.known) {
        *taken = known;
        return ERR_OK;
    }
    err = insert_file(&taking, &hash, holder, now_ms, fault);
    if (!err)
        err = read_all(&taking, format, bytes, fault);
    if (!err)
        *taken = (struct intake){.file_no = taking.file_no, .lines = taking.lines};
    return err;
}
