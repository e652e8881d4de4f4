#include "sync/hub/ingest/lease.h"
#include "sync/hub/ingest/ingest.sql.h"

#include <stdio.h>

enum { SILENT_MS = 3 * 60 * 1000 }; /* an appliance tells its state every minute */

/* One number of one row; `row` false: there is none. The statement's parameters are bound. */
static enum err read_number(struct database *db, struct statement *s, bool *row, int64_t *number,
                            struct fault *fault)
{
    enum err err = database_step(db, s, row, fault);
    if (err)
        return err;
    if (*row)
        *number = column_int(s, 0);
    statement_reset(s);
    return ERR_OK;
}

/* --- Who has it ------------------------------------------------------------------------------ */

static enum err find_other(struct database *db, const char *receipt, const char *device,
                           int64_t now_ms, int64_t *until_ms, struct fault *fault)
{
    struct statement *s;
    bool row;
    enum err err = database_statement(db, INGEST_LEASE_FIND, &s, fault);
    if (err)
        return err;
    bind_text(s, 1, receipt);
    bind_text(s, 2, device);
    bind_int(s, 3, now_ms);
    *until_ms = now_ms; /* it has ended meanwhile: to be asked again */
    return read_number(db, s, &row, until_ms, fault);
}

enum err lease_take(struct database *db, const char *receipt, const char *device, int64_t now_ms,
                    int64_t *until_ms, struct fault *fault)
{
    struct statement *s;
    bool taken;
    int64_t mine_until_ms;
    enum err err = database_statement(db, INGEST_LEASE_TAKE, &s, fault);
    if (err)
        return err;
    bind_text(s, 1, receipt);
    bind_text(s, 2, device);
    bind_int(s, 3, now_ms + LEASE_MS);
    bind_int(s, 4, now_ms);
    err = read_number(db, s, &taken, &mine_until_ms, fault);
    if (err)
        return err;
    if (!taken)
        return find_other(db, receipt, device, now_ms, until_ms, fault);
    *until_ms = 0;
    return ERR_OK;
}

enum err lease_end(struct database *db, const char *receipt, const struct id *correlation,
                   int64_t received_ms, struct fault *fault)
{
    struct statement *s;
    enum err err = database_statement(db, INGEST_LEASE_END, &s, fault);
    if (err)
        return err;
    bind_text(s, 1, receipt);
    bind_blob(s, 2, correlation->bytes, ID_BYTES);
    bind_int(s, 3, received_ms);
    return database_send(db, s, fault);
}

/* --- Who wrote it ---------------------------------------------------------------------------- */

static enum err find_holder(struct database *db, const struct sale_query *query, const char *device,
                            int64_t now_ms, char holder[static DEVICE_ID_MAX + 1],
                            struct fault *fault)
{
    char subject[SALE_QUERY_RECEIPT_MAX + sizeof "receipt/"];
    struct statement *s;
    bool row;
    (void)snprintf(subject, sizeof subject, "receipt/%s", query->receipt);
    enum err err = database_statement(db, INGEST_HOLDER_OF_SALE, &s, fault);
    if (err)
        return err;
    bind_text(s, 1, subject);
    bind_text(s, 2, device);
    bind_int(s, 3, now_ms - SILENT_MS);
    bind_text(s, 4, query->store);
    err = database_step(db, s, &row, fault);
    if (err)
        return err;
    (void)snprintf(holder, DEVICE_ID_MAX + 1, "%s", row ? column_text(s, 0) : "");
    statement_reset(s);
    return ERR_OK;
}

static enum err count_others(struct database *db, struct lease_ask *ask, struct fault *fault)
{
    struct statement *s;
    bool row;
    enum err err = database_statement(db, INGEST_RETURNS_OF_OTHERS, &s, fault);
    if (err)
        return err;
    bind_text(s, 1, ask->reservation.receipt);
    bind_text(s, 2, ask->holder);
    return read_number(db, s, &row, &ask->reservation.others, fault);
}

static enum err note_asked(struct database *db, const struct lease_ask *ask, int64_t now_ms,
                           int64_t *since_ms, struct fault *fault)
{
    struct statement *s;
    bool row;
    enum err err = database_statement(db, INGEST_LEASE_ASK, &s, fault);
    if (err)
        return err;
    bind_text(s, 1, ask->reservation.receipt);
    bind_text(s, 2, ask->holder);
    bind_int(s, 3, now_ms);
    *since_ms = now_ms;
    return read_number(db, s, &row, since_ms, fault);
}

enum err lease_ask_holder(struct database *db, const struct sale_query *query, const char *device,
                          int64_t now_ms, bool *asks, struct lease_ask *ask, struct fault *fault)
{
    struct lease_ask made = {.reservation = {.for_ms = LEASE_MS}};
    int64_t since_ms = now_ms;
    *asks = false;
    (void)snprintf(made.reservation.receipt, sizeof made.reservation.receipt, "%s", query->receipt);
    made.reservation.of = query->of;
    enum err err = find_holder(db, query, device, now_ms, made.holder, fault);
    if (err || !made.holder[0])
        return err;
    err = count_others(db, &made, fault);
    if (!err)
        err = note_asked(db, &made, now_ms, &since_ms, fault);
    if (err)
        return err;
    *asks = now_ms - since_ms < HOLDER_PATIENCE_MS;
    *ask = made;
    return ERR_OK;
}

/* --- What it says ---------------------------------------------------------------------------- */

enum err lease_answered(struct database *db, const char *receipt, const char *holder,
                        int64_t now_ms, char device[static DEVICE_ID_MAX + 1], struct fault *fault)
{
    struct statement *s;
    bool row;
    enum err err = database_statement(db, INGEST_LEASE_ANSWERED, &s, fault);
    if (err)
        return err;
    bind_text(s, 1, receipt);
    bind_text(s, 2, holder);
    bind_int(s, 3, now_ms);
    err = database_step(db, s, &row, fault);
    if (err)
        return err;
    (void)snprintf(device, DEVICE_ID_MAX + 1, "%s", row ? column_text(s, 0) : "");
    statement_reset(s);
    return ERR_OK;
}

enum err lease_has_all(struct database *db, const struct reserved *reserved, bool *all,
                       struct fault *fault)
{
    enum err err = ERR_OK;
    *all = true;
    for (size_t i = 0; i < reserved->count && !err && *all; i++) {
        struct statement *s;
        bool row;
        int64_t count = 0;
        err = database_statement(db, INGEST_EVENTS_FROM_OUTSIDE, &s, fault);
        if (err)
            return err;
        bind_blob(s, 1, reserved->returns[i].id.bytes, ID_BYTES);
        err = read_number(db, s, &row, &count, fault);
        *all = count >= reserved->returns[i].events;
    }
    return err;
}

/* --- What it may have forgotten -------------------------------------------------------------- */

static enum err read_reminders(struct database *db, const char *holder, int64_t now_ms,
                               struct lease_ask *asks, size_t *count, struct fault *fault)
{
    struct statement *s;
    bool row = true;
    enum err err = database_statement(db, INGEST_LEASES_OF_HOLDER, &s, fault);
    if (err)
        return err;
    bind_text(s, 1, holder);
    bind_int(s, 2, now_ms);
    bind_int(s, 3, LEASES_REMINDED_MAX);
    *count = 0;
    while ((err = database_step(db, s, &row, fault)) == ERR_OK && row) {
        struct lease_ask *ask = &asks[(*count)++];
        *ask = (struct lease_ask){.reservation = {.for_ms = column_int(s, 1)}};
        (void)snprintf(ask->holder, sizeof ask->holder, "%s", holder);
        (void)snprintf(ask->reservation.receipt, sizeof ask->reservation.receipt, "%s",
                       column_text(s, 0));
    }
    return err;
}

enum err lease_reminders(struct database *db, const char *holder, int64_t now_ms,
                         struct lease_ask asks[static LEASES_REMINDED_MAX], size_t *count,
                         struct fault *fault)
{
    enum err err = read_reminders(db, holder, now_ms, asks, count, fault);
    for (size_t i = 0; i < *count && !err; i++)
        err = count_others(db, &asks[i], fault);
    return err;
}
