#include "sync/hub/ingest/journal.h"
#include "hal/base/cleanup.h"
#include "sync/hub/ingest/cursor.h"
#include "sync/hub/ingest/ingest.sql.h"
#include "sync/hub/ledger/period.h"

#include <stdlib.h>
#include <string.h>

enum { POSITION_DEPTH_MAX = 16 };

enum err journal_read_position(struct slice text, struct arena *arena, struct cJSON **document,
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
    enum err err = database_find_bytes(db, INGEST_POSITION_READ, correlation->bytes, ID_BYTES, &s,
                                       &row, fault);
    if (err)
        return err;
    *position = (struct position){0};
    if (row)
        err = journal_read_position(column_slice(s, 0), arena, document, position, fault);
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
    return database_send_row(db, s, fault);
}

/* --- Sums ------------------------------------------------------------------------------------ */

enum { MONTH_TEXT = 7 };

/* What several lines add to one sum of journal_balance; texts are borrowed from their entries. */
struct sum {
    const struct entry *entry;
    const struct journal_line *line;
    char month[DAY_TEXT + 1];
    int64_t debit_minor;
    int64_t credit_minor;
};

struct sums {
    struct sum *items;
    size_t count;
};

static bool is_same(const struct sum *a, const struct sum *b)
{
    return strcmp(a->line->account, b->line->account) == 0 &&
           strcmp(a->line->key.role, b->line->key.role) == 0 &&
           strcmp(a->line->key.tender, b->line->key.tender) == 0 &&
           strcmp(a->month, b->month) == 0 && strcmp(a->entry->company, b->entry->company) == 0 &&
           strcmp(a->entry->currency, b->entry->currency) == 0;
}

static void add_line(struct sums *sums, const struct entry *entry, const struct journal_line *line)
{
    struct sum sum = {entry, line, "", line->debit_minor, line->credit_minor};
    day_format(entry->document_day, sum.month);
    sum.month[MONTH_TEXT] = '\0';
    for (size_t i = 0; i < sums->count; i++)
        if (is_same(&sums->items[i], &sum)) {
            sums->items[i].debit_minor += sum.debit_minor;
            sums->items[i].credit_minor += sum.credit_minor;
            return;
        }
    sums->items[sums->count++] = sum;
}

static enum err write_sum(struct database *db, const struct sum *sum, struct fault *fault)
{
    struct statement *s;
    enum err err = database_statement(db, INGEST_BALANCE_ADD, &s, fault);
    if (err)
        return err;
    bind_text(s, 1, sum->entry->company);
    bind_text(s, 2, sum->month);
    bind_text(s, 3, sum->line->key.role);
    bind_text(s, 4, sum->line->key.tender);
    bind_text(s, 5, sum->line->account);
    bind_text(s, 6, sum->entry->currency);
    bind_int(s, 7, sum->debit_minor);
    bind_int(s, 8, sum->credit_minor);
    return database_send_row(db, s, fault);
}

static enum err add_to_balances(struct database *db, const struct journal_item *items, size_t count,
                                struct fault *fault)
{
    size_t lines = 0;
    for (size_t i = 0; i < count; i++)
        lines += items[i].entry->line_count;
    struct sums sums = {.items = calloc(lines + 1, sizeof *sums.items)};
    if (!sums.items)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < items[i].entry->line_count; j++)
            add_line(&sums, items[i].entry, &items[i].entry->lines[j]);
    enum err err = ERR_OK;
    for (size_t i = 0; !err && i < sums.count; i++)
        err = write_sum(db, &sums.items[i], fault);
    free(sums.items);
    return err;
}

/* --- Entries --------------------------------------------------------------------------------- */

static enum err insert_entry(struct database *db, int64_t entry_no, const struct journal_item *item,
                             struct fault *fault)
{
    const struct journal_origin *origin = &item->origin;
    const struct entry *entry = item->entry;
    struct buf text CLEANUP(buf_free);
    struct buf pieces CLEANUP(buf_free);
    buf_init(&text, POSITION_BYTES_MAX);
    buf_init(&pieces, POSITION_BYTES_MAX);
    struct jsonw w = jsonw_to(&text);
    entry_write(&w, NULL, entry);
    w = jsonw_to(&pieces);
    if (entry->items.count)
        entry_items_write(&w, NULL, &entry->items);
    struct statement *s;
    enum err err = buf_check(&text, fault, "entry");
    if (!err)
        err = buf_check(&pieces, fault, "items");
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
        bind_slice(s, 8, buf_slice(&pieces));
    bind_int(s, 9, entry_no);
    return database_send_row(db, s, fault);
}

/* Entries that are made again keep what became of them. */
static enum err make_ready(struct database *db, int64_t after_no, struct fault *fault)
{
    struct statement *s;
    enum err err = database_statement(db, INGEST_POSTING_INSERT, &s, fault);
    if (err)
        return err;
    bind_int(s, 1, after_no);
    return database_send(db, s, fault);
}

enum err journal_add(struct database *db, const struct journal_item *items, size_t count,
                     struct fault *fault)
{
    int64_t last_no = 0;
    enum err err = count ? cursor_read(db, INGEST_JOURNAL_LAST, &last_no, fault) : ERR_OK;
    for (size_t i = 0; !err && i < count; i++)
        err = insert_entry(db, last_no + 1 + (int64_t)i, &items[i], fault);
    if (!err)
        err = add_to_balances(db, items, count, fault);
    return err || !count ? err : make_ready(db, last_no, fault);
}
