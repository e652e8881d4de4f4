#include "sync/hub/web/answers.h"
#include "hal/base/cleanup.h"
#include "hal/base/json_scan.h"
#include "hal/base/jsonw.h"
#include "sync/hub/connect/export.h"
#include "sync/hub/fleet/device.h"
#include "sync/hub/ledger/period.h"
#include "sync/hub/ledger/position.h"
#include "sync/hub/web/finance.sql.h"
#include "sync/hub/web/listing.h"
#include "sync/hub/web/metrics.sql.h"
#include "sync/hub/web/personal.h"
#include "sync/hub/web/read.sql.h"

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

static void write_id(struct jsonw *w, const char *key, struct statement *s, int column)
{
    struct id id;
    char text[ID_TEXT + 1];
    if (column_bytes(s, column, id.bytes, ID_BYTES) != ERR_OK) {
        jsonw_null(w, key);
        return;
    }
    id_format(&id, text);
    jsonw_text(w, key, text);
}

/* Writes the rows of a statement as a page; column 0 is the cursor. */
static enum err write_page(struct answers *answers, struct statement *s, const char *name,
                           void (*write)(struct jsonw *w, struct statement *s), struct buf *out,
                           struct fault *fault)
{
    struct jsonw w = jsonw_to(out);
    bool row = true;
    int64_t count = 0;
    int64_t cursor = 0;
    enum err err;
    jsonw_object(&w, NULL);
    jsonw_array(&w, name);
    while ((err = database_step(answers->config.database, s, &row, fault)) == ERR_OK && row) {
        cursor = column_int(s, 0);
        count++;
        jsonw_object(&w, NULL);
        write(&w, s);
        jsonw_end(&w);
    }
    jsonw_end(&w);
    if (count == PAGE)
        jsonw_int(&w, "cursor", cursor);
    else
        jsonw_null(&w, "cursor");
    jsonw_end(&w);
    statement_reset(s);
    return err;
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
    jsonw_text(&w, "status", facts.damage ? "damaged" : !facts.broker_online ? "no_broker" : "ok");
    jsonw_bool(&w, "broker", facts.broker_online);
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

/* --- Events and returns ---------------------------------------------------------------------- */

static void write_place(struct jsonw *w, struct statement *s)
{
    jsonw_int(w, "number", column_int(s, 0));
    jsonw_slice(w, "device", column_slice(s, 1));
    jsonw_slice(w, "stream", column_slice(s, 2));
    write_id(w, "log_id", s, 3);
    jsonw_int(w, "seq", column_int(s, 4));
    jsonw_time(w, "received", column_int(s, 5));
}

static void write_event(struct jsonw *w, struct statement *s)
{
    write_place(w, s);
    if ((int)column_int(s, 6))
        jsonw_slice(w, "unreadable", column_slice(s, 7));
    else
        jsonw_raw(w, "event", column_slice(s, 7));
}

/* What can't be read may be about anybody. */
static void write_event_without(struct jsonw *w, struct statement *s)
{
    write_place(w, s);
    if ((int)column_int(s, 6))
        jsonw_text(w, "unreadable", "");
    else
        personal_write_without(w, "event", column_slice(s, 7));
}

enum err answers_events(struct answers *answers, const struct answers_asked *asked, struct buf *out,
                        struct fault *fault)
{
    const char *device = http_request_query(asked->request, "device");
    struct statement *s;
    int64_t from;
    enum err err = listing_from(asked, &from, fault);
    if (!err)
        err = database_attached(answers->sql, device ? READ_EVENTS_OF_DEVICE : READ_EVENTS, &s,
                                fault);
    if (err)
        return err;
    bind_int(s, 1, from);
    bind_text(s, 2, device);
    bind_int(s, 3, PAGE);
    return write_page(answers, s, "events", write_event, out, fault);
}

static void write_entry(struct jsonw *w, struct statement *s)
{
    char day[DAY_TEXT + 1];
    jsonw_int(w, "entry", column_int(s, 0));
    jsonw_time(w, "made", column_int(s, 2));
    jsonw_slice(w, "state", column_slice(s, 3));
    if (!column_is_null(s, 4)) {
        day_format(column_int(s, 5), day);
        jsonw_slice(w, "posted_number", column_slice(s, 4));
        jsonw_text(w, "posted_date", day);
    }
    jsonw_int(w, "attempts", column_int(s, 6));
    if (!column_is_null(s, 7)) {
        jsonw_slice(w, "code", column_slice(s, 7));
        jsonw_slice(w, "detail", column_slice(s, 8));
    }
    jsonw_raw(w, "journal", column_slice(s, 1));
}

static enum err write_entries(struct answers *answers, const struct id *correlation,
                              struct jsonw *w, struct fault *fault)
{
    struct statement *s;
    bool row = true;
    enum err err = database_attached(answers->sql, READ_JOURNAL_OF_RETURN, &s, fault);
    if (err)
        return err;
    bind_int(s, 1, 0);
    bind_int(s, 2, POSITION_ENTRIES_MAX);
    bind_blob(s, 3, correlation->bytes, ID_BYTES);
    jsonw_array(w, "entries");
    while ((err = database_step(answers->config.database, s, &row, fault)) == ERR_OK && row) {
        jsonw_object(w, NULL);
        write_entry(w, s);
        jsonw_end(w);
    }
    jsonw_end(w);
    statement_reset(s);
    return err;
}

static enum err write_trail(struct answers *answers, const struct id *correlation,
                            enum access_role role, struct jsonw *w, int64_t *written,
                            struct fault *fault)
{
    bool whole = ACCESS_BACK_OFFICE & ACCESS_BIT(role);
    struct statement *s;
    bool row = true;
    int64_t events = 0;
    char text[ID_TEXT + 1];
    enum err err = database_attached(answers->sql, READ_TRAIL, &s, fault);
    if (err)
        return err;
    id_format(correlation, text);
    bind_blob(s, 1, correlation->bytes, ID_BYTES);
    jsonw_object(w, NULL);
    jsonw_text(w, "return_id", text);
    jsonw_array(w, "events");
    while ((err = database_step(answers->config.database, s, &row, fault)) == ERR_OK && row) {
        jsonw_object(w, NULL);
        (whole ? write_event : write_event_without)(w, s);
        if (!column_is_null(s, 8))
            jsonw_slice(w, "ledger", column_slice(s, 8));
        jsonw_end(w);
        events++;
    }
    jsonw_end(w);
    statement_reset(s);
    if (!err && whole)
        err = write_entries(answers, correlation, w, fault);
    jsonw_end(w);
    *written = events;
    return err;
}

static enum err find_number(struct answers *answers, const char *number, struct id *correlation,
                            struct fault *fault)
{
    struct statement *s;
    bool row;
    enum err err = database_attached(answers->sql, READ_CORRELATION_BY_NUMBER, &s, fault);
    if (err)
        return err;
    bind_text(s, 1, number);
    err = database_step(answers->config.database, s, &row, fault);
    if (err)
        return err;
    err = row ? column_bytes(s, 0, correlation->bytes, ID_BYTES) : ERR_NOT_FOUND;
    statement_reset(s);
    return err ? fault_set(fault, err, "id", "there is no such return") : ERR_OK;
}

enum err answers_find(struct answers *answers, const char *text, struct id *correlation,
                      struct fault *fault)
{
    return id_parse(slice_of(text), correlation) == ERR_OK
               ? ERR_OK
               : find_number(answers, text, correlation, fault);
}

enum err answers_return(struct answers *answers, const struct answers_asked *asked, struct buf *out,
                        struct fault *fault)
{
    struct id correlation;
    int64_t events = 0;
    struct jsonw w = jsonw_to(out);
    enum err err = answers_find(answers, asked->rest, &correlation, fault);
    if (!err)
        err = write_trail(answers, &correlation, asked->role, &w, &events, fault);
    if (!err && events == 0)
        err = fault_set(fault, ERR_NOT_FOUND, "id", "there is no such return");
    return err;
}

static void write_found(struct jsonw *w, struct statement *s)
{
    write_id(w, "return_id", s, 1);
    jsonw_slice(w, "number", column_slice(s, 2));
    jsonw_slice(w, "device", column_slice(s, 3));
    jsonw_time(w, "created", column_int(s, 4));
}

/* Which statement finds it, and by what. */
struct search {
    size_t statement;
    const char *text;
    int64_t seq;
};

static enum err read_search(const struct answers_asked *asked, struct search *search,
                            struct fault *fault)
{
    static const struct {
        const char *name;
        size_t statement;
    } keys[] = {{"receipt", READ_BY_RECEIPT},
                {"number", READ_BY_NUMBER},
                {"posted", READ_BY_POSTED},
                {"device", READ_BY_SEQ}};
    const char *seq = http_request_query(asked->request, "seq");
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        search->text = http_request_query(asked->request, keys[i].name);
        search->statement = keys[i].statement;
        if (!search->text)
            continue;
        if (search->statement == READ_BY_SEQ &&
            (!seq || json_scan_int(slice_of(seq), &search->seq) != ERR_OK))
            return fault_set(fault, ERR_INVALID, "seq", "must be a whole number");
        return ERR_OK;
    }
    return fault_set(fault, ERR_INVALID, "receipt",
                     "is missing, and so are number, posted, and device with seq");
}

enum err answers_find_returns(struct answers *answers, const struct answers_asked *asked,
                              struct buf *out, struct fault *fault)
{
    struct search search = {0};
    struct statement *s;
    enum err err = read_search(asked, &search, fault);
    if (!err)
        err = database_attached(answers->sql, search.statement, &s, fault);
    if (err)
        return err;
    bind_text(s, 1, search.text);
    bind_int(s, 2, PAGE);
    if (search.statement == READ_BY_SEQ)
        bind_int(s, 3, search.seq);
    return write_page(answers, s, "returns", write_found, out, fault);
}

/* --- The journal ----------------------------------------------------------------------------- */

/* Nearly all entries are posted: they are found in order, and not by their state. */
enum err answers_journal(struct answers *answers, const struct answers_asked *asked,
                         struct buf *out, struct fault *fault)
{
    const char *of_return = http_request_query(asked->request, "return");
    const char *state = http_request_query(asked->request, "state");
    struct id correlation;
    struct statement *s;
    int64_t from;
    enum err err = listing_from(asked, &from, fault);
    if (!err && of_return && id_parse(slice_of(of_return), &correlation) != ERR_OK)
        err = find_number(answers, of_return, &correlation, fault);
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
    return write_page(answers, s, "entries", write_entry, out, fault);
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
    write_id(w, "id", s, 1);
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
    return write_page(answers, s, name, write, out, fault);
}

/* Entries that are parked, a page of them beside the events. */
static enum err write_parked_entries(struct answers *answers, struct jsonw *w, struct fault *fault)
{
    struct statement *s;
    bool row = true;
    enum err err = database_attached(answers->sql, READ_JOURNAL_OF_STATE, &s, fault);
    if (err)
        return err;
    bind_int(s, 1, 0);
    bind_int(s, 2, PAGE);
    bind_text(s, 3, "parked");
    jsonw_array(w, "entries");
    while ((err = database_step(answers->config.database, s, &row, fault)) == ERR_OK && row) {
        jsonw_object(w, NULL);
        write_entry(w, s);
        jsonw_end(w);
    }
    jsonw_end(w);
    statement_reset(s);
    return err;
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
