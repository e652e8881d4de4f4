/*
 * Any data for any type of event: the milestone reader refuses it, or the ledger applies it on a
 * return in hand; whatever is booked balances. The first byte chooses the type.
 */
#include "sync/hub/ledger/ledger.h"

#include <assert.h>

static const char created[] =
    "{\"number\":\"R1\",\"store\":\"1\",\"currency\":\"EUR\",\"decision\":\"accepted\","
    "\"goods\":\"received\",\"lines\":[{\"line\":1,\"quantity\":3,\"net\":840,\"tax\":[{"
    "\"amount\":160}],\"gross\":1000,\"cost\":700}]}";

static void apply(const struct books *books, struct position *position, enum event_type type,
                  int64_t sequence, struct slice data, struct arena *arena)
{
    struct event event = {
        .type = type, .source = SLICE_LITERAL("/s"), .sequence = sequence, .data = data};
    struct milestone milestone = {0};
    struct ledger_result result;
    if (milestone_read(&event, arena, &milestone, NULL))
        return;
    if (ledger_apply(books, position, &milestone, arena, &result, NULL) == ERR_OK) {
        for (size_t i = 0; i < result.count; i++)
            assert(entry_imbalance(&result.entries[i]) == 0);
        *position = result.after;
    }
    milestone_close(&milestone);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static struct books books;
    struct position position = {0};
    struct arena arena;
    if (len == 0 || (!books.count && books_open((struct slice){"", 0}, &books, NULL)))
        return 0;
    enum event_type type = (enum event_type)(data[0] % EVENT_TYPE_COUNT);
    struct slice text = {(const char *)data + 1, len - 1};
    arena_init(&arena, 16 * 1024 * 1024);
    apply(&books, &position, type, 1, text, &arena);
    apply(&books, &position, EVENT_RETURN_CREATED, 1, SLICE_LITERAL(created), &arena);
    apply(&books, &position, type, 2, text, &arena);
    apply(&books, &position, EVENT_RETURN_VOIDED, 3, SLICE_LITERAL("{}"), &arena);
    assert(!position.created || position_balance(&position, "refunds_payable") == 0 ||
           position.standing != STANDING_CLOSED);
    arena_free(&arena);
    return 0;
}
