#include "sync/hub/connect/expected.h"
#include "sync/contract/money.h"
#include "sync/hub/ingest/ingest.sql.h"
#include "sync/hub/ledger/period.h"

#include <inttypes.h>
#include <stdio.h>

enum { DETAIL_MAX = 400, KEY_MAX = EXPECTED_TEXT_MAX + 40 };

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

enum err expected_candidates(struct database *db, const struct expected_keys *keys,
                             struct expected found[static EXPECTED_CANDIDATES_MAX], size_t *count,
                             struct fault *fault)
{
    struct statement *s;
    bool row = true;
    enum err err = database_statement(db, INGEST_EXPECTED_CANDIDATES, &s, fault);
    if (err)
        return err;
    *count = 0;
    bind_text(s, 1, keys->reference);
    bind_text(s, 2, keys->own);
    bind_text(s, 3, keys->payment);
    bind_int(s, 4, keys->amount_minor < 0 ? -keys->amount_minor : keys->amount_minor);
    bind_int(s, 5, EXPECTED_CANDIDATES_MAX);
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

/* --- Missing --------------------------------------------------------------------------------- */

struct missing {
    int64_t number;
    struct id correlation;
    char key[KEY_MAX];
    char detail[DETAIL_MAX];
};

static enum err next_missing(struct database *db, int64_t before_day, struct missing *missing,
                             bool *found, struct fault *fault)
{
    struct statement *s;
    char day[DAY_TEXT + 1];
    enum err err = database_statement(db, INGEST_EXPECTED_MISSING, &s, fault);
    if (err)
        return err;
    bind_int(s, 1, before_day);
    err = database_step(db, s, found, fault);
    if (err || !*found)
        return err;
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
    err = column_bytes(s, 1, missing->correlation.bytes, ID_BYTES);
    statement_reset(s);
    return err ? fault_set(fault, err, "expected_refund", "a row isn't what it should be") : ERR_OK;
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
    enum { STEP_MAX = 50 };
    char device[DEVICE_ID_MAX + 1] = "";
    struct missing missing;
    enum err err = ERR_OK;
    *more = true;
    for (int i = 0; !err && *more && i < STEP_MAX; i++) {
        err = next_missing(db, before_day, &missing, more, fault);
        if (err || !*more)
            break;
        const struct exception exception = {.code = "settlement_variance",
                                            .correlation = missing.correlation,
                                            .subject = -missing.number,
                                            .key = missing.key,
                                            .detail = missing.detail,
                                            .now_ms = now_ms};
        err = exception_raise(db, &exception, device, fault);
        if (!err)
            err = mark_missed(db, missing.number, fault);
        told_add(told, device);
    }
    return err;
}
