#include "agent/returns/reasons.h"

#include <string.h>

enum { CAPACITY_FIRST = 16 };

static bool make_room(struct reasons *reasons)
{
    if (reasons->count < reasons->capacity)
        return true;
    size_t capacity = reasons->capacity ? 2 * reasons->capacity : CAPACITY_FIRST;
    struct decided_reason *list = arena_alloc(reasons->arena, capacity, sizeof *list);
    if (!list) {
        reasons->failed = true;
        return false;
    }
    if (reasons->count)
        memcpy(list, reasons->list, reasons->count * sizeof *list);
    reasons->list = list;
    reasons->capacity = capacity;
    return true;
}

void reasons_add(struct reasons *reasons, const char *code, const char *rule, int outcome,
                 size_t request_index)
{
    for (size_t i = 0; i < reasons->count; i++) {
        const struct decided_reason *reason = &reasons->list[i];
        if (reason->request_index == request_index && strcmp(reason->code, code) == 0 &&
            strcmp(reason->rule, rule) == 0)
            return;
    }
    if (!make_room(reasons))
        return;
    reasons->list[reasons->count++] = (struct decided_reason){
        .code = code, .rule = rule, .outcome = outcome, .request_index = request_index};
}
