#include "sync/hub/ingest/daybook.h"
#include "sync/hub/ingest/cursor.h"
#include "sync/hub/ingest/desk.h"
#include "sync/hub/ingest/finding.h"
#include "sync/hub/ingest/ingest.sql.h"
#include "sync/hub/ingest/journal.h"

#include <assert.h>
#include <stdlib.h>

struct page {
    struct id correlation;
    bool apart; /* no desk of ours any more */
    struct desk desk;
};

/* An event that was applied. */
struct applied {
    int64_t event_no;
    const struct event *event;
};

struct daybook {
    struct desk_place place;
    struct fault *fault;
    struct page pages[DAYBOOK_EVENTS_MAX];
    size_t page_count;
    struct applied applied[DAYBOOK_EVENTS_MAX];
    size_t applied_count;
    struct journal_item *items;
    size_t item_count;
    size_t item_room;
};

enum err daybook_open(struct daybook **out, struct database *db, const struct books *books,
                      int64_t now_ms, struct news *news, struct fault *fault)
{
    struct daybook *daybook = calloc(1, sizeof *daybook);
    if (!daybook)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    daybook->place = (struct desk_place){db, books, now_ms, news};
    daybook->fault = fault;
    *out = daybook;
    return ERR_OK;
}

void daybook_close(struct daybook *daybook)
{
    if (!daybook)
        return;
    for (size_t i = 0; i < daybook->page_count; i++)
        if (!daybook->pages[i].apart)
            desk_close(&daybook->pages[i].desk);
    free(daybook->items);
    free(daybook);
}

/* --- Pages ----------------------------------------------------------------------------------- */

static struct page *find_page(struct daybook *daybook, const struct id *correlation)
{
    for (size_t i = daybook->page_count; i > 0; i--)
        if (id_equal(&daybook->pages[i - 1].correlation, correlation))
            return &daybook->pages[i - 1];
    return NULL;
}

static struct page *add_page(struct daybook *daybook, const struct id *correlation)
{
    assert(daybook->page_count < DAYBOOK_EVENTS_MAX);
    struct page *page = &daybook->pages[daybook->page_count++];
    *page = (struct page){.correlation = *correlation, .apart = true};
    return page;
}

/* NULL: the return is not for this book. */
static struct page *page_of(struct daybook *daybook, const struct daybook_event *event)
{
    const struct id *correlation = &event->event->correlation;
    struct page *page = find_page(daybook, correlation);
    if (page)
        return page->apart ? NULL : page;
    page = add_page(daybook, correlation);
    if (event->waits)
        return NULL;
    struct fault unread;
    page->apart =
        desk_open_at(&page->desk, &daybook->place, correlation, event->position, &unread) != ERR_OK;
    page->desk.fault = daybook->fault;
    if (page->apart)
        desk_close(&page->desk);
    return page->apart ? NULL : page;
}

/* --- Booking --------------------------------------------------------------------------------- */

static enum err keep_entries(struct daybook *daybook, const struct daybook_event *event,
                             const struct ledger_result *result)
{
    size_t needed = daybook->item_count + result->count;
    if (needed > daybook->item_room) {
        size_t room = needed * 2;
        struct journal_item *items = realloc(daybook->items, room * sizeof *items);
        if (!items)
            return fault_set(daybook->fault, ERR_NO_MEMORY, "", "out of memory");
        daybook->items = items;
        daybook->item_room = room;
    }
    for (size_t i = 0; i < result->count; i++)
        daybook->items[daybook->item_count++] = (struct journal_item){
            {event->event->correlation, event->event_no, event->received_ms}, &result->entries[i]};
    return ERR_OK;
}

/*
 * True if the event was applied: it is its turn, the ledger takes it, and no exception has to be
 * raised or resolved for it.
 */
static bool apply(struct desk *desk, const struct daybook_event *event,
                  struct ledger_result *result)
{
    struct milestone milestone = {0};
    struct fault unread;
    bool applied = milestone_read(event->event, &desk->arena, &milestone, &unread) == ERR_OK &&
                   ledger_turn(&desk->position, &milestone) == LEDGER_NEXT &&
                   ledger_apply(desk->books, &desk->position, &milestone, &desk->arena, result,
                                &unread) == ERR_OK &&
                   !finding_changes(&desk->position, &result->after);
    milestone_close(&milestone);
    return applied;
}

enum err daybook_book(struct daybook *daybook, const struct daybook_event *event, bool *booked)
{
    struct ledger_result result = {0};
    struct page *page = page_of(daybook, event);
    *booked = page && apply(&page->desk, event, &result);
    if (!*booked)
        return ERR_OK;
    enum err err = keep_entries(daybook, event, &result);
    if (err)
        return err;
    assert(daybook->applied_count < DAYBOOK_EVENTS_MAX);
    daybook->applied[daybook->applied_count++] = (struct applied){event->event_no, event->event};
    page->desk.position = result.after;
    page->desk.moved = true;
    daybook->place.news->applied++;
    daybook->place.news->entries += (int64_t)result.count;
    return ERR_OK;
}

/* --- Writing --------------------------------------------------------------------------------- */

static enum err write_applied(struct daybook *daybook)
{
    int64_t applied_no = 0;
    struct statement *s;
    enum err err = daybook->applied_count
                       ? cursor_read(daybook->place.db, INGEST_LEDGER_APPLIED_LAST, &applied_no,
                                     daybook->fault)
                       : ERR_OK;
    for (size_t i = 0; !err && i < daybook->applied_count; i++) {
        const struct applied *applied = &daybook->applied[i];
        err = database_statement(daybook->place.db, INGEST_LEDGER_APPLIED, &s, daybook->fault);
        if (err)
            return err;
        bind_int(s, 1, applied->event_no);
        bind_blob(s, 2, applied->event->correlation.bytes, ID_BYTES);
        bind_slice(s, 3, applied->event->source);
        bind_int(s, 4, applied->event->sequence);
        bind_int(s, 5, ++applied_no);
        err = database_send_row(daybook->place.db, s, daybook->fault);
    }
    daybook->applied_count = 0;
    return err;
}

enum err daybook_write(struct daybook *daybook)
{
    enum err err = write_applied(daybook);
    if (!err)
        err = journal_add(daybook->place.db, daybook->items, daybook->item_count, daybook->fault);
    daybook->item_count = 0;
    for (size_t i = 0; !err && i < daybook->page_count; i++) {
        struct page *page = &daybook->pages[i];
        if (page->apart || !page->desk.moved)
            continue;
        err = desk_save(&page->desk);
        page->desk.moved = false;
    }
    return err;
}

enum err daybook_set_apart(struct daybook *daybook, const struct id *correlation)
{
    enum err err = daybook_write(daybook);
    struct page *page = find_page(daybook, correlation);
    if (!page)
        page = add_page(daybook, correlation);
    if (!page->apart)
        desk_close(&page->desk);
    page->apart = true;
    return err;
}
