#include "tests/support/ledger_run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { MEMORY_MAX = 64 * 1024 * 1024 };

void ledger_run_make(struct ledger_run *run)
{
    ledger_run_make_with(run, "");
}

void ledger_run_make_with(struct ledger_run *run, const char *books)
{
    *run = (struct ledger_run){0};
    arena_init(&run->arena, MEMORY_MAX);
    buf_init(&run->text, MEMORY_MAX);
    enum err err = books_open(slice_of(books), &run->books, &run->fault);
    if (err)
        fail_msg("books: %s: %s", run->fault.where, run->fault.text);
}

void ledger_run_free(struct ledger_run *run)
{
    books_close(&run->books);
    arena_free(&run->arena);
    buf_free(&run->text);
}

enum err ledger_run_apply(struct ledger_run *run, const char *source, int64_t sequence,
                          uint8_t event_byte, enum event_type type, const char *data)
{
    struct event event = {
        .type = type,
        .id.bytes[15] = event_byte,
        .correlation.bytes[15] = 1,
        .source = slice_of(source),
        .time_ms = INT64_C(1795342272000), /* 2026-11-22T10:11:12Z */
        .sequence = sequence,
        .data = slice_of(data),
    };
    struct milestone milestone = {0};
    struct ledger_result result = {0};
    enum err err = milestone_read(&event, &run->arena, &milestone, &run->fault);
    if (!err)
        err = ledger_apply(&run->books, &run->position, &milestone, &run->arena, &result,
                           &run->fault);
    milestone_close(&milestone);
    if (!err)
        run->position = result.after;
    return err;
}

enum err ledger_run_try(struct ledger_run *run, enum event_type type, const char *data)
{
    run->events++;
    enum err err =
        ledger_run_apply(run, "/store/0042/device/a", run->sequence + 1, run->events, type, data);
    if (!err)
        run->sequence++;
    return err;
}

void ledger_run_event(struct ledger_run *run, enum event_type type, const char *data)
{
    if (ledger_run_try(run, type, data))
        fail_msg("%s: %s: %s", event_type_name(type), run->fault.where, run->fault.text);
}

void ledger_run_write(struct buf *out, const struct entry *entry)
{
    buf_printf(out, "%s:", entry->rule);
    for (size_t i = 0; i < entry->line_count; i++) {
        const struct journal_line *line = &entry->lines[i];
        const char *details[] = {line->key.tender, line->key.jurisdiction, line->key.rate};
        buf_printf(out, "%s %s", i ? "," : "", line->key.role);
        for (size_t k = 0; k < sizeof details / sizeof *details; k++)
            if (*details[k])
                buf_printf(out, " %s", details[k]);
        buf_printf(out, " %+lld", (long long)(line->debit_minor - line->credit_minor));
    }
    buf_append_char(out, '\n');
}

const char *ledger_run_journal(struct ledger_run *run)
{
    buf_reset(&run->text);
    buf_append_text(&run->text, "");
    for (size_t i = 0; i < run->position.entry_count; i++)
        ledger_run_write(&run->text, &run->position.entries[i]);
    return run->text.data ? run->text.data : "";
}
