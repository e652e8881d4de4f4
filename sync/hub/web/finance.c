#include "sync/hub/web/finance.h"
#include "sync/hub/ingest/measure.h"
#include "sync/hub/ledger/period.h"
#include "sync/hub/web/finance.sql.h"
#include "sync/hub/web/listing.h"

#include <string.h>

static int64_t now_ms(const struct answers *answers)
{
    return clock_wall_ms(answers->config.clock);
}

/* A page of a statement whose parameters are from, limit, state, and the present. */
static enum err write_page(struct answers *answers, const struct answers_asked *asked,
                           size_t statement, const char *name, const char *state, int64_t present,
                           struct buf *out, struct fault *fault)
{
    sqlite3_stmt *s;
    int64_t from;
    enum err err = listing_from(asked, &from, fault);
    if (!err)
        err = database_attached(answers->finance, statement, &s, fault);
    if (err)
        return err;
    bind_int(s, 1, from);
    bind_int(s, 2, LISTING_PAGE);
    bind_text(s, 3, state);
    if (sqlite3_bind_parameter_count(s) > 3)
        bind_int(s, 4, present);
    return listing_page(answers, s, name, out, fault);
}

enum err finance_files(struct answers *answers, const struct answers_asked *asked, struct buf *out,
                       struct fault *fault)
{
    sqlite3_stmt *s;
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
    return write_page(answers, asked, FINANCE_SETTLEMENT_LINES, "lines",
                      http_request_query(asked->request, "state"), 0, out, fault);
}

enum err finance_refunds(struct answers *answers, const struct answers_asked *asked,
                         struct buf *out, struct fault *fault)
{
    return write_page(answers, asked, FINANCE_REFUNDS, "refunds",
                      http_request_query(asked->request, "state"), day_of_ms(now_ms(answers)), out,
                      fault);
}

enum err finance_batches(struct answers *answers, const struct answers_asked *asked,
                         struct buf *out, struct fault *fault)
{
    return write_page(answers, asked, FINANCE_BATCHES, "batches",
                      http_request_query(asked->request, "state"), 0, out, fault);
}

enum err finance_exceptions(struct answers *answers, const struct answers_asked *asked,
                            struct buf *out, struct fault *fault)
{
    const char *resolved = http_request_query(asked->request, "resolved");
    bool old = resolved && strcmp(resolved, "yes") == 0;
    return write_page(answers, asked, FINANCE_EXCEPTIONS, "exceptions", old ? "resolved" : "open",
                      now_ms(answers), out, fault);
}

/* --- The summary ----------------------------------------------------------------------------- */

static enum err write_part(struct answers *answers, size_t statement, const char *name,
                           int64_t present, struct jsonw *w, struct fault *fault)
{
    sqlite3_stmt *s;
    int64_t count;
    int64_t cursor;
    enum err err = database_attached(answers->finance, statement, &s, fault);
    if (err)
        return err;
    if (sqlite3_bind_parameter_count(s))
        bind_int(s, 1, present);
    return listing_array(answers, s, name, w, &count, &cursor, fault);
}

/* How many of the lines about refunds found theirs. */
static enum err write_totals(struct answers *answers, struct jsonw *w, struct fault *fault)
{
    sqlite3_stmt *s;
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
    sqlite3_reset(s);
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
    sqlite3_stmt *s;
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
static void write_bucket(struct jsonw *w, sqlite3_stmt *s)
{
    int bucket = sqlite3_column_int(s, 1);
    jsonw_object(w, NULL);
    jsonw_slice(w, "measure", column_slice(s, 0));
    if (bucket >= 0 && bucket < MEASURE_BOUNDS)
        jsonw_int(w, "le_s", measure_bounds_s[bucket]);
    jsonw_int(w, "count", sqlite3_column_int64(s, 2));
    jsonw_int(w, "sum_s", sqlite3_column_int64(s, 3));
    jsonw_end(w);
}

static enum err write_times(struct answers *answers, struct jsonw *w, struct fault *fault)
{
    sqlite3_stmt *s;
    bool row = true;
    enum err err = database_attached(answers->finance, FINANCE_MEASURES, &s, fault);
    if (err)
        return err;
    jsonw_array(w, "times");
    while ((err = database_step(answers->config.database, s, &row, fault)) == ERR_OK && row)
        write_bucket(w, s);
    jsonw_end(w);
    sqlite3_reset(s);
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
