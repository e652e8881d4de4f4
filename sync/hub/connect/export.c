#include "sync/hub/connect/export.h"
#include "hal/base/cleanup.h"
#include "sync/hub/connect/journal_text.h"
#include "sync/hub/ingest/ingest.sql.h"

#include <string.h>

enum { ENTRY_BYTES_MAX = 4 * 1024 * 1024, ENTRY_DEPTH_MAX = 8 };
/* What is read before it is handed on: so many entries, or somewhat more than so many bytes. */
enum { PAGE_ENTRIES = 200, PAGE_BYTES = 256 * 1024 };

enum err export_format_find(const char *name, enum export_format *format, struct fault *fault)
{
    if (strcmp(name, "csv") != 0 && strcmp(name, "ledger") != 0)
        return fault_set(fault, ERR_INVALID, "format", "must be csv or ledger");
    *format = strcmp(name, "csv") == 0 ? EXPORT_CSV : EXPORT_LEDGER;
    return ERR_OK;
}

static const char *text_or(struct statement *s, int column, const char *fallback)
{
    const char *text = column_text(s, column);
    return text ? text : fallback;
}

static enum err write_row(struct statement *s, enum export_format format, struct buf *out,
                          struct fault *fault)
{
    struct arena arena CLEANUP(arena_free);
    struct cJSON *json CLEANUP(json_cleanup) = NULL;
    struct entry entry;
    const struct json_limits limits = {.bytes = ENTRY_BYTES_MAX, .depth = ENTRY_DEPTH_MAX};
    const struct journal_status status = {text_or(s, 2, "ready"), text_or(s, 3, "")};
    arena_init(&arena, ENTRY_BYTES_MAX);
    enum err err = json_parse(column_slice(s, 1), limits, &json, fault);
    if (!err)
        err = entry_read(json, &arena, &entry, fault);
    if (err)
        return err;
    if (format == EXPORT_CSV)
        journal_text_csv(out, &entry, &status);
    else
        journal_text_ledger(out, &entry, entry.document_day, &status);
    return buf_check(out, fault, "entry");
}

/* Where the export stands. The reader may be slow: between pages no statement stands on a row. */
struct page {
    enum export_format format;
    int64_t day; /* of the entry read last, and its number */
    int64_t after;
    int64_t to_day;
    bool ended;
};

static enum err read_page(struct database *db, struct page *page, struct buf *out,
                          struct fault *fault)
{
    struct statement *s;
    bool row = true;
    int rows = 0;
    enum err err = database_statement(db, INGEST_JOURNAL_ALL, &s, fault);
    if (err)
        return err;
    bind_int(s, 1, page->day);
    bind_int(s, 2, page->to_day);
    bind_int(s, 3, page->after);
    bind_int(s, 4, PAGE_ENTRIES);
    while (!err && row && out->len < PAGE_BYTES) {
        err = database_step(db, s, &row, fault);
        if (err || !row)
            break;
        rows++;
        page->after = column_int(s, 0);
        page->day = column_int(s, 4);
        err = write_row(s, page->format, out, fault);
    }
    page->ended = !row && rows < PAGE_ENTRIES;
    statement_reset(s);
    return err;
}

enum err export_journal(struct database *db, enum export_format format, int64_t from_day,
                        int64_t to_day, export_sink *sink, void *context, struct fault *fault)
{
    struct buf out CLEANUP(buf_free);
    struct page page = {.format = format, .day = from_day, .to_day = to_day};
    enum err err = ERR_OK;
    buf_init(&out, PAGE_BYTES + ENTRY_BYTES_MAX);
    if (format == EXPORT_CSV)
        journal_text_csv_head(&out);
    while (!err && !page.ended) {
        err = read_page(db, &page, &out, fault);
        if (!err)
            err = sink(context, buf_slice(&out), fault);
        buf_reset(&out);
    }
    return err;
}
