#include "sync/hub/ingest/journal.h"
#include "hal/base/cleanup.h"
#include "sync/hub/ingest/ingest.sql.h"
#include "sync/hub/ledger/period.h"

enum { POSITION_DEPTH_MAX = 16 };

static enum err read_position(struct slice text, struct arena *arena, struct cJSON **document,
                              struct position *position, struct fault *fault)
{
    const struct json_limits limits = {.bytes = POSITION_BYTES_MAX, .depth = POSITION_DEPTH_MAX};
    enum err err = json_parse(text, limits, document, fault);
    if (!err)
        err = position_read(*document, arena, position, fault);
    return err ? fault_set(fault, ERR_REFUSED, "position", "what is stored can't be read") : ERR_OK;
}

enum err journal_position(struct database *db, const struct id *correlation, struct arena *arena,
                          struct cJSON **document, struct position *position, struct fault *fault)
{
    struct statement *s;
    bool row;
    enum err err = database_statement(db, INGEST_POSITION_READ, &s, fault);
    if (err)
        return err;
    bind_blob(s, 1, correlation->bytes, ID_BYTES);
    err = database_step(db, s, &row, fault);
    if (err)
        return err;
    *position = (struct position){0};
    if (row)
        err = read_position(column_slice(s, 0), arena, document, position, fault);
    statement_reset(s);
    return err;
}

enum err journal_keep_position(struct database *db, const struct id *correlation,
                               const struct position *position, struct fault *fault)
{
    struct buf text CLEANUP(buf_free);
    buf_init(&text, POSITION_BYTES_MAX);
    struct jsonw w = jsonw_to(&text);
    position_write(&w, NULL, position);
    struct statement *s;
    enum err err = buf_check(&text, fault, "position");
    if (!err)
        err = database_statement(db, INGEST_POSITION_WRITE, &s, fault);
    if (err)
        return err;
    bind_blob(s, 1, correlation->bytes, ID_BYTES);
    bind_slice(s, 2, buf_slice(&text));
    return database_send(db, s, fault);
}

/* An entry that is made again keeps what became of it. */
static enum err make_ready(struct database *db, const struct entry *entry, int64_t now_ms,
                           struct fault *fault)
{
    struct statement *s;
    enum err err = database_statement(db, INGEST_POSTING_INSERT, &s, fault);
    if (err)
        return err;
    bind_text(s, 1, entry->reference);
    bind_int(s, 2, now_ms);
    bind_text(s, 3, entry->company);
    return database_send(db, s, fault);
}

static enum err add_to_balance(struct database *db, const struct entry *entry,
                               const struct journal_line *line, struct fault *fault)
{
    enum { MONTH_TEXT = 7 };
    char day[DAY_TEXT + 1];
    struct statement *s;
    enum err err = database_statement(db, INGEST_BALANCE_ADD, &s, fault);
    if (err)
        return err;
    day_format(entry->document_day, day);
    bind_text(s, 1, entry->company);
    bind_slice(s, 2, (struct slice){day, MONTH_TEXT});
    bind_text(s, 3, line->key.role);
    bind_text(s, 4, line->key.tender);
    bind_text(s, 5, line->account);
    bind_text(s, 6, entry->currency);
    bind_int(s, 7, line->debit_minor);
    bind_int(s, 8, line->credit_minor);
    return database_send(db, s, fault);
}

enum err journal_add(struct database *db, const struct journal_origin *origin,
                     const struct entry *entry, struct fault *fault)
{
    struct buf text CLEANUP(buf_free);
    struct buf items CLEANUP(buf_free);
    buf_init(&text, POSITION_BYTES_MAX);
    buf_init(&items, POSITION_BYTES_MAX);
    struct jsonw w = jsonw_to(&text);
    entry_write(&w, NULL, entry);
    w = jsonw_to(&items);
    if (entry->items.count)
        entry_items_write(&w, NULL, &entry->items);
    struct statement *s;
    enum err err = buf_check(&text, fault, "entry");
    if (!err)
        err = buf_check(&items, fault, "items");
    if (!err)
        err = database_statement(db, INGEST_JOURNAL_INSERT, &s, fault);
    if (err)
        return err;
    bind_text(s, 1, entry->reference);
    bind_blob(s, 2, origin->correlation.bytes, ID_BYTES);
    bind_int(s, 3, origin->event_no);
    bind_text(s, 4, entry->company);
    bind_int(s, 5, entry->document_day);
    bind_int(s, 6, origin->received_ms);
    bind_slice(s, 7, buf_slice(&text));
    if (entry->items.count)
        bind_slice(s, 8, buf_slice(&items));
    err = database_send(db, s, fault);
    for (size_t i = 0; !err && i < entry->line_count; i++)
        err = add_to_balance(db, entry, &entry->lines[i], fault);
    return err ? err : make_ready(db, entry, origin->received_ms, fault);
}
