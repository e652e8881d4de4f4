#include "sync/hub/web/trail.h"
#include "hal/base/json_scan.h"
#include "sync/hub/ingest/id_column.h"
#include "sync/hub/ledger/period.h"
#include "sync/hub/ledger/position.h"
#include "sync/hub/web/listing.h"
#include "sync/hub/web/personal.h"
#include "sync/hub/web/read.sql.h"

enum { PAGE = LISTING_PAGE };

static void write_place(struct jsonw *w, struct statement *s)
{
    jsonw_int(w, "number", column_int(s, 0));
    jsonw_slice(w, "device", column_slice(s, 1));
    jsonw_slice(w, "stream", column_slice(s, 2));
    id_column_write(w, "log_id", s, 3);
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
    bind_int(s, 2, PAGE);
    if (device)
        bind_text(s, 3, device);
    return listing_written(answers, s, "events", write_event, out, fault);
}

void trail_write_entry(struct jsonw *w, struct statement *s)
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

enum err trail_write_entries(struct answers *answers, struct statement *s, struct jsonw *w,
                             struct fault *fault)
{
    bool row = true;
    enum err err;
    jsonw_array(w, "entries");
    while ((err = database_step(answers->config.database, s, &row, fault)) == ERR_OK && row) {
        jsonw_object(w, NULL);
        trail_write_entry(w, s);
        jsonw_end(w);
    }
    jsonw_end(w);
    statement_reset(s);
    return err;
}

static enum err write_entries(struct answers *answers, const struct id *correlation,
                              struct jsonw *w, struct fault *fault)
{
    struct statement *s;
    enum err err = database_attached(answers->sql, READ_JOURNAL_OF_RETURN, &s, fault);
    if (err)
        return err;
    bind_int(s, 1, 0);
    bind_int(s, 2, POSITION_ENTRIES_MAX);
    bind_blob(s, 3, correlation->bytes, ID_BYTES);
    return trail_write_entries(answers, s, w, fault);
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
    id_column_write(w, "return_id", s, 1);
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
    return listing_written(answers, s, "returns", write_found, out, fault);
}
