#include "sync/hub/connect/reconcile_line.h"
#include "hal/base/sha256.h"
#include "sync/hub/ingest/ingest.sql.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void read_line(struct statement *s, struct reconcile_line *line)
{
    *line = (struct reconcile_line){.number = column_int(s, 0), .again = column_int(s, 18) != 0};
    struct settlement_line *is = &line->is;
    is->row = (size_t)column_int(s, 1);
    slice_copy(column_slice(s, 2), line->format, sizeof line->format);
    is->kind = settlement_kind_find(column_slice(s, 3));
    slice_copy(column_slice(s, 4), is->type, sizeof is->type);
    slice_copy(column_slice(s, 5), is->batch, sizeof is->batch);
    slice_copy(column_slice(s, 6), is->reference, sizeof is->reference);
    slice_copy(column_slice(s, 7), is->payment, sizeof is->payment);
    slice_copy(column_slice(s, 8), is->own, sizeof is->own);
    slice_copy(column_slice(s, 9), is->terminal, sizeof is->terminal);
    slice_copy(column_slice(s, 10), is->currency, sizeof is->currency);
    is->gross_minor = column_int(s, 11);
    slice_copy(column_slice(s, 12), is->net_currency, sizeof is->net_currency);
    is->fee_minor = column_int(s, 13);
    is->net_minor = column_int(s, 14);
    is->day = column_int(s, 15);
    slice_copy(column_slice(s, 16), line->state, sizeof line->state);
    char hash[SHA256_TEXT + 1] = "";
    struct sha256 file;
    if (column_bytes(s, 17, file.bytes, SHA256_BYTES) == ERR_OK)
        sha256_format(&file, hash);
    (void)snprintf(line->key, sizeof line->key, "%s/%zu", hash, is->row);
}

enum err reconcile_line_load(struct database *db, size_t statement, int64_t number,
                             struct reconcile_line *line, bool *found, struct fault *fault)
{
    struct statement *s;
    enum err err = database_statement(db, statement, &s, fault);
    if (err)
        return err;
    if (statement_parameters(s))
        bind_int(s, 1, number);
    err = database_step(db, s, found, fault);
    if (err || !*found)
        return err;
    read_line(s, line);
    statement_reset(s);
    return ERR_OK;
}

enum err reconcile_lines_new(struct database *db, size_t statement, struct reconcile_line *lines,
                             size_t max, size_t *count, struct fault *fault)
{
    struct statement *s;
    bool row = true;
    size_t n = 0;
    enum err err = database_statement(db, statement, &s, fault);
    if (err)
        return err;
    bind_int(s, 1, (int64_t)max);
    while (n < max && (err = database_step(db, s, &row, fault)) == ERR_OK && row)
        read_line(s, &lines[n++]);
    if (err)
        return err;
    statement_reset(s);
    *count = n;
    return ERR_OK;
}

enum err reconcile_line_mark(struct database *db, int64_t line_no, const char *state,
                             const struct match *match, int64_t expected_no, struct fault *fault)
{
    struct statement *s;
    enum err err = database_statement(db, INGEST_SETTLEMENT_LINE_MARK, &s, fault);
    if (err)
        return err;
    bind_int(s, 1, line_no);
    bind_text(s, 2, state);
    if (match && match->key != MATCH_NONE)
        bind_text(s, 3, match_key_name(match->key));
    if (expected_no)
        bind_int(s, 4, expected_no);
    bind_int(s, 5, match ? match->mismatches : 0);
    return database_send(db, s, fault);
}

struct settled reconcile_line_settled(const struct reconcile_line *line,
                                      const struct expected *refund, int64_t now_ms)
{
    bool same = strcmp(line->is.net_currency, line->is.currency) == 0;
    return (struct settled){
        .refund = refund,
        .key = line->key,
        .amount_minor = llabs(line->is.gross_minor),
        .fee_minor = same ? line->is.fee_minor : 0,
        .day = line->is.day,
        .reference = line->is.reference,
        .now_ms = now_ms,
    };
}

const char *reconcile_line_exception(uint32_t mismatches)
{
    if (mismatches & MISMATCH_BIT(MISMATCH_DUAL_REFUND))
        return "dual_refund";
    if (mismatches & MISMATCH_BIT(MISMATCH_CURRENCY))
        return "currency_mismatch";
    return "settlement_variance";
}
