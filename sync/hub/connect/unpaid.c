#include "sync/hub/connect/unpaid.h"
#include "hal/base/cleanup.h"
#include "sync/contract/money.h"
#include "sync/hub/ingest/cursor.h"
#include "sync/hub/ingest/finding.h"
#include "sync/hub/ingest/ingest.sql.h"
#include "sync/hub/ingest/journal.h"
#include "sync/hub/ledger/period.h"

#include <stdio.h>

enum { STEP_MAX = 50, DETAIL_MAX = 300, ARENA_MAX = 4 * POSITION_BYTES_MAX };

static const char code[] = "tax_payment_mismatch";

/* What stands in the books of one return. */
struct owing {
    int64_t owed_minor;
    int64_t tax_minor; /* taken back */
    char currency[4];
    char number[64];
};

static enum err read_owing(struct database *db, const struct id *correlation, struct owing *owing,
                           struct fault *fault)
{
    struct arena arena CLEANUP(arena_free);
    struct cJSON *document CLEANUP(json_cleanup) = NULL;
    struct position position;
    arena_init(&arena, ARENA_MAX);
    enum err err = journal_position(db, correlation, &arena, &document, &position, fault);
    if (err)
        return err;
    *owing = (struct owing){.owed_minor = -position_balance(&position, "refunds_payable"),
                            .tax_minor = position_balance(&position, "tax")};
    (void)snprintf(owing->currency, sizeof owing->currency, "%s",
                   position.created ? position.paid_currency : "");
    (void)snprintf(owing->number, sizeof owing->number, "%s",
                   position.created ? position.number : "");
    return ERR_OK;
}

static bool differ(const struct owing *owing)
{
    return owing->owed_minor > 0 && owing->tax_minor > 0;
}

/* The entry by which money came to be owed. */
struct booked {
    int64_t entry_no;
    int64_t day;
    struct id correlation;
    bool owes;   /* it is such a one */
    bool failed; /* because a refund failed, or came back */
};

static enum err look_at(struct database *db, const struct booked *booked, int64_t now_ms,
                        struct told *told, struct fault *fault)
{
    struct owing owing;
    char detail[DETAIL_MAX];
    char tax[MONEY_TEXT_MAX];
    char owed[MONEY_TEXT_MAX];
    char day[DAY_TEXT + 1];
    char device[DEVICE_ID_MAX + 1] = "";
    enum err err = read_owing(db, &booked->correlation, &owing, fault);
    if (err || !differ(&owing))
        return err;
    day_format(booked->day, day);
    (void)snprintf(detail, sizeof detail,
                   "%s of tax were taken back for return %s, of which %s are not given back: %s %s",
                   money_text(tax, owing.tax_minor, owing.currency), owing.number,
                   money_text(owed, owing.owed_minor, owing.currency),
                   booked->failed ? "a refund failed on" : "it was accepted on", day);
    const struct exception exception = {.code = code,
                                        .correlation = booked->correlation,
                                        .subject = finding_subject(&booked->correlation),
                                        .detail = detail,
                                        .now_ms = now_ms};
    err = exception_raise(db, &exception, device, fault);
    told_add(told, device);
    return err;
}

/* The next entry, if it is old enough. */
static enum err next_entry(struct database *db, int64_t after, int64_t before_ms,
                           struct booked *booked, bool *found, struct fault *fault)
{
    struct statement *s;
    enum err err = database_statement(db, INGEST_UNPAID_NEXT, &s, fault);
    if (err)
        return err;
    bind_int(s, 1, after);
    err = database_step(db, s, found, fault);
    if (err || !*found)
        return err;
    *found = column_int(s, 1) < before_ms;
    booked->entry_no = column_int(s, 0);
    booked->day = column_int(s, 3);
    booked->owes = (int)column_int(s, 4) != 0;
    booked->failed = (int)column_int(s, 5) != 0;
    err = column_bytes(s, 2, booked->correlation.bytes, ID_BYTES);
    statement_reset(s);
    return err ? fault_set(fault, err, "journal_entry", "a row isn't what it should be") : ERR_OK;
}

enum err unpaid_tell(struct database *db, int64_t before_ms, int64_t now_ms, struct told *told,
                     bool *more, struct fault *fault)
{
    struct booked booked;
    int64_t from = 0;
    enum err err = cursor_read(db, INGEST_UNPAID_CURSOR, &from, fault);
    int64_t cursor = from;
    *more = true;
    for (int i = 0; !err && *more && i < STEP_MAX; i++) {
        err = next_entry(db, cursor, before_ms, &booked, more, fault);
        if (err || !*more)
            break;
        cursor = booked.entry_no;
        if (booked.owes)
            err = look_at(db, &booked, now_ms, told, fault);
    }
    return err || cursor == from ? err : cursor_move(db, INGEST_UNPAID_CURSOR_MOVE, cursor, fault);
}

enum err unpaid_end(struct database *db, const struct id *correlation, int64_t now_ms,
                    struct fault *fault)
{
    struct owing owing;
    enum err err = read_owing(db, correlation, &owing, fault);
    return err || differ(&owing)
               ? err
               : exception_settle(db, code, finding_subject(correlation),
                                  owing.owed_minor > 0 ? "no tax is taken back any more"
                                                       : "nothing is owed any more",
                                  now_ms, fault);
}
