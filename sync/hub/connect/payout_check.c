#include "sync/hub/connect/payout_check.h"
#include "sync/contract/money.h"
#include "sync/hub/connect/match.h"
#include "sync/hub/ingest/exception.h"
#include "sync/hub/ingest/ingest.sql.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { DETAIL_MAX = 400, BANK_TEXT_MAX = 3 * SETTLEMENT_TEXT_MAX + 5 };

struct batch {
    int64_t number;
    char name[SETTLEMENT_TEXT_MAX + 1];
    char currency[4];
    struct match_batch sums;
    int64_t bank_minor;
    bool has_bank;
    bool differed; /* when it was looked at before */
};

static void read_batch(struct statement *s, struct batch *batch)
{
    struct slice name = column_slice(s, 1);
    struct slice currency = column_slice(s, 6);
    *batch = (struct batch){
        .number = column_int(s, 0),
        .sums = {.net_minor = column_int(s, 2),
                 .payout_minor = column_int(s, 3),
                 .has_payout = (int)column_int(s, 4) != 0},
        .bank_minor = column_int(s, 5),
        .has_bank = !column_is_null(s, 5),
        .differed = column_int(s, 7) != 0,
    };
    (void)snprintf(batch->name, sizeof batch->name, "%.*s", (int)name.len, name.data);
    (void)snprintf(batch->currency, sizeof batch->currency, "%.*s", (int)currency.len,
                   currency.data);
}

enum err payout_add(struct database *db, const char *format, const struct settlement_line *line,
                    struct fault *fault)
{
    struct match_batch part = {0};
    struct statement *s;
    if (!*line->batch)
        return ERR_OK;
    match_batch_add(&part, line);
    enum err err = database_statement(db, INGEST_SETTLEMENT_BATCH_ADD, &s, fault);
    if (err)
        return err;
    bind_text(s, 1, format);
    bind_text(s, 2, line->batch);
    bind_text(s, 3, line->net_currency);
    bind_int(s, 4, part.net_minor);
    bind_int(s, 5, part.payout_minor);
    bind_int(s, 6, part.has_payout);
    bind_text(s, 7, part.has_payout ? line->reference : "");
    bind_int(s, 8, line->day);
    return database_send(db, s, fault);
}

/* --- Checking -------------------------------------------------------------------------------- */

static enum err mark(struct database *db, const struct batch *batch, uint32_t mismatches,
                     struct fault *fault)
{
    struct statement *s;
    enum err err = database_statement(db, INGEST_SETTLEMENT_BATCH_MISMATCH, &s, fault);
    if (err)
        return err;
    bind_int(s, 1, batch->number);
    bind_int(s, 2, mismatches);
    return database_send(db, s, fault);
}

static const char code[] = "settlement_variance";

static enum err check(struct database *db, const struct batch *batch, int64_t now_ms,
                      struct fault *fault)
{
    char detail[DETAIL_MAX];
    char bank[MONEY_TEXT_MAX + 32] = "";
    char lines[MONEY_TEXT_MAX];
    char payout[MONEY_TEXT_MAX];
    char received[MONEY_TEXT_MAX];
    char device[DEVICE_ID_MAX + 1];
    uint32_t mismatches =
        match_batch_check(&batch->sums, batch->has_bank ? &batch->bank_minor : NULL);
    enum err err = mark(db, batch, mismatches, fault);
    const struct exception_end end = {
        .code = code, .subject = batch->number * 2 + 1, .how = "it fits now", .now_ms = now_ms};
    if (!err && !mismatches && batch->differed)
        err = exception_settle_of(db, &end, fault);
    if (err || !mismatches)
        return err;
    if (batch->has_bank)
        (void)snprintf(bank, sizeof bank, ", the bank got %s",
                       money_text(received, batch->bank_minor, batch->currency));
    (void)snprintf(
        detail, sizeof detail,
        "batch_total: the lines of batch %.140s come to %s, its payout is %s%s", batch->name,
        money_text(lines, batch->sums.net_minor, batch->currency),
        money_text(payout,
                   batch->sums.has_payout ? batch->sums.payout_minor : batch->sums.net_minor,
                   batch->currency),
        bank);
    /* Batches and lines number themselves apart: a batch's subject is odd, a line's even. */
    const struct exception exception = {
        .code = code, .subject = batch->number * 2 + 1, .detail = detail, .now_ms = now_ms};
    return exception_raise(db, &exception, device, fault);
}

enum err payout_check(struct database *db, int64_t now_ms, struct fault *fault)
{
    bool found = true;
    enum err err = ERR_OK;
    while (!err && found) {
        struct batch batch;
        struct statement *s;
        err = database_statement(db, INGEST_SETTLEMENT_BATCH_UNCHECKED, &s, fault);
        if (!err)
            err = database_step(db, s, &found, fault);
        if (err || !found)
            return err;
        read_batch(s, &batch);
        statement_reset(s);
        err = check(db, &batch, now_ms, fault);
    }
    return err;
}

/* --- At the bank ----------------------------------------------------------------------------- */

/* The bank's texts between spaces: as it says them, and again with all but letters and digits as
 * spaces, so that what stands by itself can be told. */
static void write_texts(const struct settlement_line *line, char text[static 2 * BANK_TEXT_MAX])
{
    int len =
        snprintf(text, BANK_TEXT_MAX, " %s %s %s ", line->payment, line->own, line->reference);
    memcpy(text + len, text, (size_t)len);
    text[2 * len] = '\0';
    for (char *c = text + len; *c; c++)
        if (!isalnum((unsigned char)*c))
            *c = ' ';
}

/* *number 0: there is none. */
static enum err find_batch(struct database *db, size_t statement,
                           const struct settlement_line *line, int64_t *number, struct fault *fault)
{
    char text[2 * BANK_TEXT_MAX];
    struct statement *s;
    bool row;
    write_texts(line, text);
    enum err err = database_statement(db, statement, &s, fault);
    if (err)
        return err;
    bind_text(s, 1, line->currency);
    bind_int(s, 2, line->gross_minor);
    bind_text(s, 3, text);
    bind_int(s, 4, line->day);
    err = database_step(db, s, &row, fault);
    if (err)
        return err;
    *number = row ? column_int(s, 0) : 0;
    statement_reset(s);
    return ERR_OK;
}

/* What the bank says of a batch by this line; `waits`: another line is to say more. */
static enum err join(struct database *db, int64_t batch_no, int64_t line_no, int64_t bank_minor,
                     bool waits, struct fault *fault)
{
    struct statement *s;
    enum err err = database_statement(db, INGEST_SETTLEMENT_BATCH_BANK, &s, fault);
    if (err)
        return err;
    bind_int(s, 1, batch_no);
    bind_int(s, 2, bank_minor);
    if (!waits)
        bind_int(s, 3, line_no);
    err = database_send(db, s, fault);
    if (!err)
        err = database_statement(db, INGEST_SETTLEMENT_LINE_BANK, &s, fault);
    if (err)
        return err;
    bind_int(s, 1, line_no);
    bind_int(s, 2, batch_no);
    bind_int(s, 3, 0);
    return database_send(db, s, fault);
}

/* What came in on the day on which the bank took one back: it may have come once more. */
static enum err ask_again(struct database *db, const struct settlement_line *line,
                          struct fault *fault)
{
    struct statement *s;
    enum err err = database_statement(db, INGEST_SETTLEMENT_BANK_AGAIN, &s, fault);
    if (err)
        return err;
    bind_text(s, 1, line->currency);
    bind_int(s, 2, line->day);
    return database_send(db, s, fault);
}

enum err payout_bank(struct database *db, int64_t line_no, const struct settlement_line *line,
                     bool *found, struct fault *fault)
{
    int64_t number = 0;
    bool back = line->kind == SETTLEMENT_KIND_PAYOUT_REVERSED;
    enum err err =
        find_batch(db, back ? INGEST_SETTLEMENT_BATCH_OF_REVERSAL : INGEST_SETTLEMENT_BATCH_OF_BANK,
                   line, &number, fault);
    *found = !err && number;
    if (err || !number)
        return err;
    err = join(db, number, line_no, back ? 0 : line->gross_minor, back, fault);
    return err || !back ? err : ask_again(db, line, fault);
}

enum err payout_release(struct database *db, int64_t file_no, struct fault *fault)
{
    static const size_t steps[] = {
        INGEST_SETTLEMENT_BANK_RELEASE, INGEST_SETTLEMENT_BANK_RELEASE_ALL,
        INGEST_SETTLEMENT_BATCH_RELEASE, INGEST_SETTLEMENT_BANK_RELEASED};
    enum err err = ERR_OK;
    for (size_t i = 0; !err && i < sizeof steps / sizeof *steps; i++) {
        struct statement *s;
        err = database_statement(db, steps[i], &s, fault);
        if (err)
            return err;
        if (statement_parameters(s))
            bind_int(s, 1, file_no);
        err = database_send(db, s, fault);
    }
    return err;
}
