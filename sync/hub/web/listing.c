#include "sync/hub/web/listing.h"
#include "hal/base/json_scan.h"
#include "sync/hub/ledger/period.h"

#include <string.h>

enum { NAME_MAX_BYTES = 64 };

enum err listing_from(const struct answers_asked *asked, int64_t *from, struct fault *fault)
{
    const char *text = http_request_query(asked->request, "from");
    *from = 0;
    if (text && (json_scan_int(slice_of(text), from) != ERR_OK || *from < 0))
        return fault_set(fault, ERR_INVALID, "from", "must be a whole number from 0");
    return ERR_OK;
}

enum err listing_state(const struct answers_asked *asked, const char *known, const char **state,
                       struct fault *fault)
{
    const char *text = http_request_query(asked->request, "state");
    if (text && !slice_among(slice_of(text), known))
        return fault_set(fault, ERR_INVALID, "state", "must be one of: %s", known);
    *state = text;
    return ERR_OK;
}

enum err listing_day(const struct answers_asked *asked, const char *name, int64_t fallback,
                     int64_t *day, struct fault *fault)
{
    const char *text = http_request_query(asked->request, name);
    *day = fallback;
    if (text && day_parse(text, day) != ERR_OK)
        return fault_set(fault, ERR_INVALID, name, "must be a day like 2026-11-22");
    return ERR_OK;
}

/* The name without the ending, if it has it. */
static bool ends(const char *name, const char *ending, char rest[static NAME_MAX_BYTES])
{
    size_t len = strlen(name);
    size_t tail = strlen(ending);
    if (len <= tail || len - tail >= NAME_MAX_BYTES || strcmp(name + len - tail, ending) != 0)
        return false;
    memcpy(rest, name, len - tail);
    rest[len - tail] = '\0';
    return true;
}

static void write_id(struct jsonw *w, const char *key, struct slice bytes)
{
    struct id id;
    char text[ID_TEXT + 1];
    if (bytes.len != ID_BYTES)
        return;
    memcpy(id.bytes, bytes.data, ID_BYTES);
    id_format(&id, text);
    jsonw_text(w, key, text);
}

static void write_number(struct jsonw *w, const char *name, int64_t value)
{
    char key[NAME_MAX_BYTES];
    char day[DAY_TEXT + 1];
    if (ends(name, "_ms", key)) {
        jsonw_time(w, key, value);
    } else if (ends(name, "_day", key)) {
        day_format(value, day);
        jsonw_text(w, key, day);
    } else if (ends(name, "?", key)) {
        jsonw_bool(w, key, value != 0);
    } else {
        jsonw_int(w, name, value);
    }
}

void listing_row(struct jsonw *w, struct statement *s)
{
    for (int i = 0; i < column_count(s); i++) {
        const char *name = column_name(s, i);
        switch (column_kind(s, i)) {
        case COLUMN_INT:
            write_number(w, name, column_int(s, i));
            break;
        case COLUMN_TEXT:
            jsonw_slice(w, name, column_slice(s, i));
            break;
        case COLUMN_BLOB:
            write_id(w, name, column_slice(s, i));
            break;
        default:
            break;
        }
    }
}

enum err listing_array(struct answers *answers, struct statement *s, const char *name,
                       struct jsonw *w, int64_t *count, int64_t *cursor, struct fault *fault)
{
    bool row = true;
    enum err err;
    *count = 0;
    *cursor = 0;
    jsonw_array(w, name);
    while ((err = database_step(answers->config.database, s, &row, fault)) == ERR_OK && row) {
        *cursor = column_int(s, 0);
        (*count)++;
        jsonw_object(w, NULL);
        listing_row(w, s);
        jsonw_end(w);
    }
    jsonw_end(w);
    statement_reset(s);
    return err;
}

enum err listing_page(struct answers *answers, struct statement *s, const char *name,
                      struct buf *out, struct fault *fault)
{
    struct jsonw w = jsonw_to(out);
    int64_t count;
    int64_t cursor;
    jsonw_object(&w, NULL);
    enum err err = listing_array(answers, s, name, &w, &count, &cursor, fault);
    if (count == LISTING_PAGE)
        jsonw_int(&w, "cursor", cursor);
    else
        jsonw_null(&w, "cursor");
    jsonw_end(&w);
    return err;
}

enum err listing_written(struct answers *answers, struct statement *s, const char *name,
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
    if (count == LISTING_PAGE)
        jsonw_int(&w, "cursor", cursor);
    else
        jsonw_null(&w, "cursor");
    jsonw_end(&w);
    statement_reset(s);
    return err;
}
