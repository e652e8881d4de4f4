#include "sync/hub/connect/expected.h"
#include "sync/contract/money.h"
#include "sync/hub/ingest/ingest.sql.h"
#include "sync/hub/ledger/period.h"

#include <inttypes.h>
#include <stdio.h>

enum { DETAIL_MAX = 400, KEY_MAX = EXPECTED_TEXT_MAX + 40 };

static const char missing_code[] = "settlement_variance";

static void read_row(struct statement *s, struct expected *found)
{
    struct slice state = column_slice(s, 9);
    *found = (struct expected){
        .number = column_int(s, 0),
        .amount_minor = column_int(s, 7),
        .day = column_int(s, 8),
        .settled = slice_is(state, "settled"),
        .closed = !slice_is(state, "open"),
        .charged_back = (int)column_int(s, 10) != 0,
        .tender_no = column_int(s, 12),
        .position = column_int(s, 16),
        .missed = (int)column_int(s, 17) != 0,
    };
    slice_copy(column_slice(s, 1), found->reference, sizeof found->reference);
    slice_copy(column_slice(s, 2), found->own, sizeof found->own);
    slice_copy(column_slice(s, 3), found->payment, sizeof found->payment);
    slice_copy(column_slice(s, 4), found->terminal, sizeof found->terminal);
    slice_copy(column_slice(s, 5), found->receipt, sizeof found->receipt);
    slice_copy(column_slice(s, 6), found->currency, sizeof found->currency);
    slice_copy(column_slice(s, 11), found->return_number, sizeof found->return_number);
    slice_copy(column_slice(s, 13), found->tender, sizeof found->tender);
    slice_copy(column_slice(s, 15), found->company, sizeof found->company);
    struct slice correlation = column_slice(s, 14);
    if (correlation.len == ID_BYTES)
        memcpy(found->correlation.bytes, correlation.data, ID_BYTES);
}

static enum err bind_keys(struct database *db, const struct expected_keys *keys,
                          struct statement **ready, struct fault *fault)
{
    struct statement *s;
    enum err err = database_statement(db, INGEST_EXPECTED_CANDIDATES, &s, fault);
    if (err)
        return err;
    bind_text(s, 1, keys->reference);
    bind_text(s, 2, keys->own);
    bind_text(s, 3, keys->payment);
    bind_int(s, 4, keys->amount_minor < 0 ? -keys->amount_minor : keys->amount_minor);
    bind_int(s, 5, EXPECTED_CANDIDATES_MAX);
    *ready = s;
    return ERR_OK;
}

enum err expected_ask(struct database *db, const struct expected_keys *keys, struct fault *fault)
{
    struct statement *s;
    enum err err = bind_keys(db, keys, &s, fault);
    return err ? err : database_ask(db, s, fault);
}

enum err expected_candidates(struct database *db, const struct expected_keys *keys,
                             struct expected found[static EXPECTED_CANDIDATES_MAX], size_t *count,
                             struct fault *fault)
{
    struct statement *s;
    bool row = true;
    enum err err = bind_keys(db, keys, &s, fault);
    if (err)
        return err;
    *count = 0;
    while ((err = database_step(db, s, &row, fault)) == ERR_OK && row)
        read_row(s, &found[(*count)++]);
    statement_reset(s);
    return err;
}

enum err expected_find(struct database *db, int64_t number, struct expected *found,
                       struct fault *fault)
{
    struct statement *s;
    bool row;
    enum err err = database_find(db, INGEST_EXPECTED_FIND, number, &s, &row, fault);
    if (err)
        return err;
    if (!row)
        return fault_set(fault, ERR_NOT_FOUND, "refund", "there is no such refund");
    read_row(s, found);
    statement_reset(s);
    return ERR_OK;
}

enum err expected_set_state(struct database *db, int64_t number, const char *state, int64_t day,
                            struct fault *fault)
{
    struct statement *s;
    enum err err = database_statement(db, INGEST_EXPECTED_STATE, &s, fault);
    if (err)
        return err;
    bind_int(s, 1, number);
    bind_text(s, 2, state);
    bind_int(s, 3, day);
    return database_send(db, s, fault);
}

enum err expected_set_charged_back(struct database *db, int64_t number, bool charged_back,
                                   struct fault *fault)
{
    struct statement *s;
    enum err err = database_statement(db, INGEST_EXPECTED_MARK_CHARGED_BACK, &s, fault);
    if (err)
        return err;
    bind_int(s, 1, number);
    bind_int(s, 2, charged_back);
    return database_send(db, s, fault);
}

enum err expected_found(struct database *db, const struct expected *refund, const char *how,
                        int64_t now_ms, struct centre_queue *queue, struct fault *fault)
{
    const struct exception_end end = {.code = missing_code,
                                      .correlation = refund->correlation,
                                      .subject = -refund->number,
                                      .how = how,
                                      .now_ms = now_ms,
                                      .queue = queue};
    return exception_settle_of(db, &end, fault);
}

/* --- Missing --------------------------------------------------------------------------------- */

enum { MISSING_MAX = 50 };

struct missing {
    int64_t number;
    struct id correlation;
    char key[KEY_MAX];
    char detail[DETAIL_MAX];
};

static enum err read_missing(struct statement *s, struct missing *missing, struct fault *fault)
{
    char day[DAY_TEXT + 1];
    struct slice number = column_slice(s, 2);
    char amount[MONEY_TEXT_MAX];
    money_text(amount, column_int(s, 3), column_text(s, 4));
    missing->number = column_int(s, 0);
    day_format(column_int(s, 5), day);
    (void)snprintf(missing->key, sizeof missing->key, "missing/%" PRId64 "/%s", column_int(s, 6),
                   column_text(s, 7));
    (void)snprintf(missing->detail, sizeof missing->detail,
                   "missing_in_settlement: %s, refunded on %s for return %.*s, are in no settlement"
                   " yet",
                   amount, day, (int)number.len, number.data);
    enum err err = column_bytes(s, 1, missing->correlation.bytes, ID_BYTES);
    return err ? fault_set(fault, err, "expected_refund", "a row isn't what it should be") : ERR_OK;
}

static enum err find_missing(struct database *db, int64_t before_day,
                             struct missing missing[static MISSING_MAX], size_t *count,
                             struct fault *fault)
{
    struct statement *s;
    bool row = true;
    enum err err = database_statement(db, INGEST_EXPECTED_MISSING, &s, fault);
    if (err)
        return err;
    bind_int(s, 1, before_day);
    bind_int(s, 2, MISSING_MAX);
    *count = 0;
    while (!err && *count < MISSING_MAX && (err = database_step(db, s, &row, fault)) == ERR_OK &&
           row)
        err = read_missing(s, &missing[(*count)++], fault);
    statement_reset(s);
    return err;
}

static enum err mark_missed(struct database *db, int64_t number, struct fault *fault)
{
    struct statement *s;
    enum err err = database_statement(db, INGEST_EXPECTED_MISSED, &s, fault);
    if (err)
        return err;
    bind_int(s, 1, number);
    return database_send(db, s, fault);
}

enum err expected_tell_missing(struct database *db, int64_t before_day, int64_t now_ms,
                               struct told *told, bool *more, struct fault *fault)
{
    char device[DEVICE_ID_MAX + 1];
    struct centre_queue queue = {.db = db, .told = told_hear, .context = told};
    struct missing missing[MISSING_MAX];
    size_t count = 0;
    enum err err = find_missing(db, before_day, missing, &count, fault);
    *more = count == MISSING_MAX;
    for (size_t i = 0; !err && i < count; i++) {
        const struct exception exception = {.code = missing_code,
                                            .correlation = missing[i].correlation,
                                            .subject = -missing[i].number,
                                            .key = missing[i].key,
                                            .detail = missing[i].detail,
                                            .now_ms = now_ms,
                                            .queue = &queue};
        err = exception_raise(db, &exception, device, fault);
        if (!err)
            err = mark_missed(db, missing[i].number, fault);
    }
    if (!err)
        err = centre_queue_record(&queue, fault);
    centre_queue_close(&queue);
    return err;
}
