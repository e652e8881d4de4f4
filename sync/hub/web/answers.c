#include "sync/hub/web/answers.h"
#include "hal/base/cleanup.h"
#include "hal/base/json_scan.h"
#include "hal/base/jsonw.h"
#include "sync/hub/connect/export.h"
#include "sync/hub/fleet/device.h"
#include "sync/hub/ingest/id_column.h"
#include "sync/hub/ledger/period.h"
#include "sync/hub/web/finance.sql.h"
#include "sync/hub/web/listing.h"
#include "sync/hub/web/metrics.sql.h"
#include "sync/hub/web/read.sql.h"
#include "sync/hub/web/trail.h"

#include <stdlib.h>
#include <string.h>

enum { PAGE = LISTING_PAGE, PARKED_MAX = 2 * 1024 * 1024 };

enum err answers_open(struct answers **out, const struct web_config *config, struct fault *fault)
{
    struct answers *answers = calloc(1, sizeof *answers);
    if (!answers)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    answers->config = *config;
    enum err err = database_attach(config->database, read_sql, READ_COUNT, &answers->sql, fault);
    if (!err)
        err =
            database_attach(config->database, finance_sql, FINANCE_COUNT, &answers->finance, fault);
    if (!err)
        err =
            database_attach(config->database, metrics_sql, METRICS_COUNT, &answers->metrics, fault);
    if (!err)
        err = device_reader_open(&answers->devices, config->database, fault);
    if (err) {
        answers_close(answers);
        return err;
    }
    *out = answers;
    return ERR_OK;
}

void answers_close(struct answers *answers)
{
    if (!answers)
        return;
    device_reader_close(answers->devices);
    free(answers);
}

/* --- The process ----------------------------------------------------------------------------- */

static enum err count_devices(struct answers *answers, int64_t *number, struct fault *fault)
{
    struct statement *s;
    bool row;
    enum err err = database_attached(answers->sql, READ_COUNT_DEVICES, &s, fault);
    if (!err)
        err = database_step(answers->config.database, s, &row, fault);
    if (err)
        return err;
    *number = row ? column_int(s, 0) : 0;
    statement_reset(s);
    return ERR_OK;
}

static const char *status_of(const struct web_facts *facts)
{
    if (facts->damage)
        return "damaged";
    if (facts->database.code)
        return "no_database";
    return facts->broker_online ? "ok" : "no_broker";
}

enum err answers_health(struct answers *answers, const struct answers_asked *asked, struct buf *out,
                        struct fault *fault)
{
    (void)asked;
    struct web_facts facts = {0};
    int64_t devices;
    enum err err = count_devices(answers, &devices, fault);
    if (err)
        return err;
    answers->config.facts(answers->config.context, &facts);
    struct jsonw w = jsonw_to(out);
    jsonw_object(&w, NULL);
    jsonw_text(&w, "status", status_of(&facts));
    jsonw_bool(&w, "broker", facts.broker_online);
    jsonw_bool(&w, "database", !facts.database.code);
    if (facts.database.code)
        jsonw_text(&w, "problem", facts.database.text);
    jsonw_int(&w, "hub_epoch", facts.hub_epoch);
    jsonw_int(&w, "devices", devices);
    jsonw_bool(&w, "verified", facts.verified);
    jsonw_int(&w, "damage", facts.damage);
    jsonw_end(&w);
    return ERR_OK;
}

/* --- Devices --------------------------------------------------------------------------------- */

enum err answers_devices(struct answers *answers, const struct answers_asked *asked,
                         struct buf *out, struct fault *fault)
{
    const char *after = http_request_query(asked->request, "from");
    struct jsonw w = jsonw_to(out);
    jsonw_object(&w, NULL);
    jsonw_array(&w, "devices");
    enum err err = device_list(answers->devices, after ? after : "", PAGE, &w, fault);
    jsonw_end(&w);
    jsonw_end(&w);
    return err;
}

enum err answers_device(struct answers *answers, const struct answers_asked *asked, struct buf *out,
                        struct fault *fault)
{
    struct jsonw w = jsonw_to(out);
    return device_show(answers->devices, asked->rest, &w, fault);
}

/* --- The journal ----------------------------------------------------------------------------- */

/* Nearly all entries are posted: they are found in order, and not by their state. */
enum err answers_journal(struct answers *answers, const struct answers_asked *asked,
                         struct buf *out, struct fault *fault)
{
    const char *of_return = http_request_query(asked->request, "return");
    const char *state = NULL;
    struct id correlation;
    struct statement *s;
    int64_t from;
    enum err err = listing_from(asked, &from, fault);
    if (!err)
        err = listing_state(asked, "ready posted parked discarded", &state, fault);
    if (!err && of_return)
        err = answers_find(answers, of_return, &correlation, fault);
    if (!err)
        err = database_attached(answers->sql,
                                of_return                      ? READ_JOURNAL_OF_RETURN
                                : !state                       ? READ_JOURNAL_PAGE
                                : strcmp(state, "posted") == 0 ? READ_JOURNAL_POSTED
                                                               : READ_JOURNAL_OF_STATE,
                                &s, fault);
    if (err)
        return err;
    bind_int(s, 1, from);
    bind_int(s, 2, PAGE);
    if (of_return)
        bind_blob(s, 3, correlation.bytes, ID_BYTES);
    else if (state)
        bind_text(s, 3, state);
    return listing_written(answers, s, "entries", trail_write_entry, out, fault);
}

static enum err take_text(void *context, struct slice text, struct fault *fault)
{
    struct buf *out = context;
    buf_append(out, text.data, text.len);
    return buf_check(out, fault, "export");
}

enum err answers_export(struct answers *answers, const struct answers_asked *asked, struct buf *out,
                        struct fault *fault)
{
    const char *name = http_request_query(asked->request, "format");
    enum export_format format;
    int64_t from_day = 0;
    int64_t to_day = 0;
    enum err err = export_format_find(name ? name : "", &format, fault);
    if (!err)
        err = listing_day(asked, "from_day", 0, &from_day, fault);
    if (!err)
        err = listing_day(asked, "to_day", INT64_MAX, &to_day, fault);
    return err ? err
               : export_journal(answers->config.database, format, from_day, to_day, take_text, out,
                                fault);
}

/* --- What waits for people ------------------------------------------------------------------- */

static void write_parked(struct jsonw *w, struct statement *s)
{
    jsonw_int(w, "number", column_int(s, 0));
    id_column_write(w, "id", s, 1);
    jsonw_int(w, "seq", column_int(s, 2));
    jsonw_slice(w, "code", column_slice(s, 3));
    jsonw_slice(w, "detail", column_slice(s, 4));
    jsonw_slice(w, "state", column_slice(s, 5));
    jsonw_time(w, "parked", column_int(s, 6));
    jsonw_slice(w, "device", column_slice(s, 7));
    jsonw_slice(w, "stream", column_slice(s, 8));
}

static enum err write_listed(struct answers *answers, const struct answers_asked *asked,
                             size_t statement, const char *name,
                             void (*write)(struct jsonw *w, struct statement *s), struct buf *out,
                             struct fault *fault)
{
    struct statement *s;
    int64_t from;
    enum err err = listing_from(asked, &from, fault);
    if (!err)
        err = database_attached(answers->sql, statement, &s, fault);
    if (err)
        return err;
    bind_int(s, 1, from);
    bind_int(s, 2, PAGE);
    return listing_written(answers, s, name, write, out, fault);
}

/* Entries that are parked, a page of them beside the events. */
static enum err write_parked_entries(struct answers *answers, struct jsonw *w, struct fault *fault)
{
    struct statement *s;
    enum err err = database_attached(answers->sql, READ_JOURNAL_OF_STATE, &s, fault);
    if (err)
        return err;
    bind_int(s, 1, 0);
    bind_int(s, 2, PAGE);
    bind_text(s, 3, "parked");
    return trail_write_entries(answers, s, w, fault);
}

enum err answers_parked(struct answers *answers, const struct answers_asked *asked, struct buf *out,
                        struct fault *fault)
{
    struct buf events CLEANUP(buf_free);
    buf_init(&events, PARKED_MAX);
    enum err err =
        write_listed(answers, asked, READ_PARKED_LIST, "parked", write_parked, &events, fault);
    if (!err)
        err = buf_check(&events, fault, "parked");
    if (err)
        return err;
    /* The page's object is left open for what is added to it. */
    buf_append(out, events.data, events.len - 1);
    buf_append_char(out, ',');
    struct buf entries CLEANUP(buf_free);
    buf_init(&entries, PARKED_MAX);
    struct jsonw w = jsonw_to(&entries);
    jsonw_object(&w, NULL);
    err = write_parked_entries(answers, &w, fault);
    jsonw_end(&w);
    if (!err)
        err = buf_check(&entries, fault, "parked");
    if (!err)
        buf_append(out, entries.data + 1, entries.len - 1);
    return err;
}

static void write_audit(struct jsonw *w, struct statement *s)
{
    jsonw_int(w, "number", column_int(s, 0));
    jsonw_time(w, "at", column_int(s, 1));
    jsonw_slice(w, "actor", column_slice(s, 2));
    jsonw_slice(w, "role", column_slice(s, 3));
    jsonw_slice(w, "action", column_slice(s, 4));
    jsonw_slice(w, "subject", column_slice(s, 5));
    jsonw_slice(w, "reason", column_slice(s, 6));
}

enum err answers_audit(struct answers *answers, const struct answers_asked *asked, struct buf *out,
                       struct fault *fault)
{
    return write_listed(answers, asked, READ_AUDIT_LIST, "audit", write_audit, out, fault);
}
