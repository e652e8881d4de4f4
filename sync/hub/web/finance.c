#include "sync/hub/web/finance.h"
#include "sync/hub/ingest/ingest.sql.h"
#include "sync/hub/ingest/measure.h"
#include "sync/hub/ledger/period.h"
#include "sync/hub/web/finance.sql.h"
#include "sync/hub/web/listing.h"

#include <string.h>

static int64_t now_ms(const struct answers *answers)
{
    return clock_wall_ms(answers->config.clock);
}

/* A list whose statement's parameters are from, limit, state, and the present. */
struct list {
    size_t statement;
    const char *name;
    const char *states; /* that may be asked for, with spaces between; NULL: it has one always */
    const char *state;
    int64_t present;
};

static enum err write_page(struct answers *answers, const struct answers_asked *asked,
                           const struct list *list, struct buf *out, struct fault *fault)
{
    struct statement *s;
    int64_t from;
    const char *state = list->state;
    enum err err = listing_from(asked, &from, fault);
    if (!err && list->states)
        err = listing_state(asked, list->states, &state, fault);
    if (!err)
        err = database_attached(answers->finance, list->statement, &s, fault);
    if (err)
        return err;
    bind_int(s, 1, from);
    bind_int(s, 2, LISTING_PAGE);
    bind_text(s, 3, state);
    if (statement_parameters(s) > 3)
        bind_int(s, 4, list->present);
    return listing_page(answers, s, list->name, out, fault);
}

enum err finance_files(struct answers *answers, const struct answers_asked *asked, struct buf *out,
                       struct fault *fault)
{
    struct statement *s;
    int64_t from;
    enum err err = listing_from(asked, &from, fault);
    if (!err)
        err = database_attached(answers->finance, FINANCE_SETTLEMENT_FILES, &s, fault);
    if (err)
        return err;
    bind_int(s, 1, from);
    bind_int(s, 2, LISTING_PAGE);
    return listing_page(answers, s, "settlements", out, fault);
}

enum err finance_lines(struct answers *answers, const struct answers_asked *asked, struct buf *out,
                       struct fault *fault)
{
    static const struct list list = {.statement = FINANCE_SETTLEMENT_LINES,
                                     .name = "lines",
                                     .states = "new noted matched differs unmatched set_aside"};
    return write_page(answers, asked, &list, out, fault);
}

enum err finance_refunds(struct answers *answers, const struct answers_asked *asked,
                         struct buf *out, struct fault *fault)
{
    const struct list list = {.statement = FINANCE_REFUNDS,
                              .name = "refunds",
                              .states = "open settled failed written_off",
                              .present = day_of_ms(now_ms(answers))};
    return write_page(answers, asked, &list, out, fault);
}

enum err finance_payments(struct answers *answers, const struct answers_asked *asked,
                          struct buf *out, struct fault *fault)
{
    static const struct list list = {.statement = FINANCE_PAYMENTS,
                                     .name = "payments",
                                     .states = "ready pending issued failed parked"};
    return write_page(answers, asked, &list, out, fault);
}

enum err finance_deliveries(struct answers *answers, const struct answers_asked *asked,
                            struct buf *out, struct fault *fault)
{
    static const struct list list = {.statement = FINANCE_DELIVERIES,
                                     .name = "deliveries",
                                     .states = "parked ready delivered discarded"};
    return write_page(answers, asked, &list, out, fault);
}

enum err finance_outlets(struct answers *answers, const struct answers_asked *asked,
                         struct buf *out, struct fault *fault)
{
    struct statement *s;
    (void)asked;
    enum err err = database_attached(answers->finance, FINANCE_OUTLETS, &s, fault);
    return err ? err : listing_page(answers, s, "outlets", out, fault);
}

enum err finance_connectors(struct answers *answers, const struct answers_asked *asked,
                            struct buf *out, struct fault *fault)
{
    struct statement *s;
    (void)asked;
    enum err err = database_statement(answers->config.database, INGEST_CONNECTORS, &s, fault);
    if (err)
        return err;
    bind_int(s, 1, now_ms(answers));
    return listing_page(answers, s, "connectors", out, fault);
}

enum err finance_batches(struct answers *answers, const struct answers_asked *asked,
                         struct buf *out, struct fault *fault)
{
    static const struct list list = {
        .statement = FINANCE_BATCHES, .name = "batches", .states = "open settled"};
    return write_page(answers, asked, &list, out, fault);
}

enum err finance_exceptions(struct answers *answers, const struct answers_asked *asked,
                            struct buf *out, struct fault *fault)
{
    const char *resolved = http_request_query(asked->request, "resolved");
    bool old = resolved && strcmp(resolved, "yes") == 0;
    const struct list list = {.statement = FINANCE_EXCEPTIONS,
                              .name = "exceptions",
                              .state = old ? "resolved" : "open",
                              .present = now_ms(answers)};
    return write_page(answers, asked, &list, out, fault);
}

/* --- The summary ----------------------------------------------------------------------------- */

static enum err write_part(struct answers *answers, size_t statement, const char *name,
                           int64_t present, struct jsonw *w, struct fault *fault)
{
    struct statement *s;
    int64_t count;
    int64_t cursor;
    enum err err = database_attached(answers->finance, statement, &s, fault);
    if (err)
        return err;
    if (statement_parameters(s))
        bind_int(s, 1, present);
    return listing_array(answers, s, name, w, &count, &cursor, fault);
}

/* How many of the lines about refunds found theirs. */
static enum err write_totals(struct answers *answers, struct jsonw *w, struct fault *fault)
{
    struct statement *s;
    bool row;
    enum err err = database_attached(answers->finance, FINANCE_LINE_TOTALS, &s, fault);
    if (!err)
        err = database_step(answers->config.database, s, &row, fault);
    if (err)
        return err;
    jsonw_object(w, "refund_lines");
    if (row)
        listing_row(w, s);
    jsonw_end(w);
    statement_reset(s);
    return ERR_OK;
}

enum err finance_reconciliation(struct answers *answers, const struct answers_asked *asked,
                                struct buf *out, struct fault *fault)
{
    (void)asked;
    int64_t present = now_ms(answers);
    struct jsonw w = jsonw_to(out);
    jsonw_object(&w, NULL);
    jsonw_time(&w, "at", present);
    enum err err = write_totals(answers, &w, fault);
    if (!err)
        err = write_part(answers, FINANCE_AGEING, "open_refunds", day_of_ms(present), &w, fault);
    if (!err)
        err = write_part(answers, FINANCE_WAITING_LINES, "waiting_lines", 0, &w, fault);
    if (!err)
        err = write_part(answers, FINANCE_WAITING_BATCHES, "waiting_batches", 0, &w, fault);
    if (!err)
        err = write_part(answers, FINANCE_EXCEPTION_AGES, "exceptions", present, &w, fault);
    jsonw_end(&w);
    return err;
}

/* --- Plots ----------------------------------------------------------------------------------- */

enum { DAYS_SHOWN = 30 };

static enum err write_days(struct answers *answers, int64_t from_day, struct jsonw *w,
                           struct fault *fault)
{
    struct statement *s;
    int64_t count;
    int64_t cursor;
    enum err err = database_attached(answers->finance, FINANCE_DAYS, &s, fault);
    if (err)
        return err;
    bind_int(s, 1, from_day);
    bind_int(s, 2, from_day + DAYS_SHOWN);
    return listing_array(answers, s, "days", w, &count, &cursor, fault);
}

/* The members of one bucket: how many took at most `le_s`; absent for those above all bounds. */
static void write_bucket(struct jsonw *w, struct statement *s)
{
    int bucket = (int)column_int(s, 1);
    jsonw_object(w, NULL);
    jsonw_slice(w, "measure", column_slice(s, 0));
    if (bucket >= 0 && bucket < MEASURE_BOUNDS)
        jsonw_int(w, "le_s", measure_bounds_s[bucket]);
    jsonw_int(w, "count", column_int(s, 2));
    jsonw_int(w, "sum_s", column_int(s, 3));
    jsonw_end(w);
}

static enum err write_times(struct answers *answers, struct jsonw *w, struct fault *fault)
{
    struct statement *s;
    bool row = true;
    enum err err = database_attached(answers->finance, FINANCE_MEASURES, &s, fault);
    if (err)
        return err;
    jsonw_array(w, "times");
    while ((err = database_step(answers->config.database, s, &row, fault)) == ERR_OK && row)
        write_bucket(w, s);
    jsonw_end(w);
    statement_reset(s);
    return err;
}

enum err finance_measures(struct answers *answers, const struct answers_asked *asked,
                          struct buf *out, struct fault *fault)
{
    int64_t from_day;
    int64_t first_day = day_of_ms(now_ms(answers)) - DAYS_SHOWN + 1;
    struct jsonw w = jsonw_to(out);
    enum err err = listing_day(asked, "from_day", first_day, &from_day, fault);
    jsonw_object(&w, NULL);
    if (!err)
        err = write_days(answers, from_day, &w, fault);
    if (!err)
        err = write_times(answers, &w, fault);
    jsonw_end(&w);
    return err;
}

/* --- Month end ------------------------------------------------------------------------------- */

enum { MONTH_TEXT = 7 };

struct month {
    char text[DAY_TEXT + 1]; /* "2026-11" */
    int64_t first_day;
    int64_t last_day;
};

static enum err read_month(const struct answers_asked *asked, struct month *month,
                           struct fault *fault)
{
    char day[DAY_TEXT + 1];
    const char *text = http_request_query(asked->request, "month");
    if (!text || strlen(text) != MONTH_TEXT)
        return fault_set(fault, ERR_INVALID, "month", "must be a month like 2026-11");
    memcpy(month->text, text, MONTH_TEXT + 1);
    memcpy(day, text, MONTH_TEXT);
    memcpy(day + MONTH_TEXT, "-01", 4);
    if (day_parse(day, &month->first_day) != ERR_OK)
        return fault_set(fault, ERR_INVALID, "month", "must be a month like 2026-11");
    month->last_day = month->first_day + 27;
    do {
        month->last_day++;
        day_format(month->last_day, day);
    } while (strncmp(day, text, MONTH_TEXT) == 0);
    month->last_day--;
    return ERR_OK;
}

static enum err write_by_month(struct answers *answers, size_t statement, const char *name,
                               const struct month *month, struct jsonw *w, struct fault *fault)
{
    struct statement *s;
    int64_t count;
    int64_t cursor;
    enum err err = database_attached(answers->finance, statement, &s, fault);
    if (err)
        return err;
    bind_text(s, 1, month->text);
    return listing_array(answers, s, name, w, &count, &cursor, fault);
}

/* What belongs to the month and is posted later, or not yet; and what came from before it. */
static enum err write_cut_off(struct answers *answers, const struct month *month, int64_t from,
                              struct jsonw *w, struct fault *fault)
{
    struct statement *s;
    int64_t count;
    int64_t cursor = 0;
    enum err err = database_attached(answers->finance, FINANCE_CUT_OFF, &s, fault);
    if (err)
        return err;
    bind_int(s, 1, month->first_day);
    bind_int(s, 2, month->last_day);
    bind_int(s, 3, from);
    bind_int(s, 4, LISTING_PAGE);
    err = listing_array(answers, s, "cut_off", w, &count, &cursor, fault);
    if (count == LISTING_PAGE)
        jsonw_int(w, "cursor", cursor);
    else
        jsonw_null(w, "cursor");
    if (!err)
        err = database_attached(answers->finance, FINANCE_FROM_BEFORE, &s, fault);
    if (err)
        return err;
    bind_int(s, 1, month->first_day);
    bind_int(s, 2, month->last_day);
    return listing_array(answers, s, "from_before", w, &count, &cursor, fault);
}

enum err finance_closing(struct answers *answers, const struct answers_asked *asked,
                         struct buf *out, struct fault *fault)
{
    struct month month;
    int64_t from = 0;
    struct jsonw w = jsonw_to(out);
    enum err err = read_month(asked, &month, fault);
    if (!err)
        err = listing_from(asked, &from, fault);
    if (err)
        return err;
    jsonw_object(&w, NULL);
    jsonw_text(&w, "month", month.text);
    err = write_by_month(answers, FINANCE_BALANCES, "balances", &month, &w, fault);
    if (!err)
        err = write_by_month(answers, FINANCE_ACCRUALS, "accruals", &month, &w, fault);
    if (!err)
        err = write_cut_off(answers, &month, from, &w, fault);
    jsonw_end(&w);
    return err;
}
