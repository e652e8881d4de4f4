#include "sync/hub/ledger/template.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

static const char *const amount_words[] = {
#define AMOUNT_WORD(upper, lower) #lower,
    TEMPLATE_AMOUNTS(AMOUNT_WORD)
#undef AMOUNT_WORD
        NULL};

static const char *const trigger_words[] = {
#define TRIGGER_WORD(upper, lower, undone, identity) #lower,
    TEMPLATE_TRIGGERS(TRIGGER_WORD)
#undef TRIGGER_WORD
        NULL};

static const char *const side_words[] = {"debit", "credit", NULL};

static const struct {
    bool undone;
    const char *identity;
} triggers[] = {
#define TRIGGER_ROW(upper, lower, undone, identity) {undone, identity},
    TEMPLATE_TRIGGERS(TRIGGER_ROW)
#undef TRIGGER_ROW
};

static const struct json_field line_fields[] = {
    {.name = "side",
     .kind = JSON_CHOICE,
     .offset = offsetof(struct template_line, side),
     .choices = side_words},
    {.name = "role",
     .kind = JSON_TEXT,
     .offset = offsetof(struct template_line, role),
     .min = 1,
     .max = 64},
    {.name = "amount",
     .kind = JSON_CHOICE,
     .offset = offsetof(struct template_line, amount),
     .choices = amount_words},
};
static const struct json_table line_table = {.fields = line_fields,
                                             .count = sizeof line_fields / sizeof *line_fields,
                                             .item_size = sizeof(struct template_line)};

static const struct json_field template_fields[] = {
    {.name = "trigger",
     .kind = JSON_CHOICE,
     .offset = offsetof(struct template, trigger),
     .choices = trigger_words},
    {.name = "lines",
     .kind = JSON_LIST,
     .offset = offsetof(struct template, lines),
     .count_offset = offsetof(struct template, line_count),
     .items = &line_table,
     .max = TEMPLATE_LINES_MAX},
};
const struct json_table template_table = {.fields = template_fields,
                                          .count = sizeof template_fields / sizeof *template_fields,
                                          .item_size = sizeof(struct template)};

const char *trigger_name(enum trigger trigger)
{
    assert(trigger < TRIGGER_COUNT);
    return trigger_words[trigger];
}

bool trigger_undone_by_void(enum trigger trigger)
{
    return triggers[trigger].undone;
}

/* One term of a trigger's identity: the sign (0 if it has none), and whether the amount is in it.
 */
struct term {
    bool present;
    int sign;
};

static void read_identity(const char *identity, struct term terms[static AMOUNT_COUNT])
{
    for (const char *at = identity; *at;) {
        int sign = *at == '+' ? 1 : *at == '-' ? -1 : 0;
        at += sign != 0;
        size_t len = strcspn(at, " ");
        for (size_t i = 0; i < AMOUNT_COUNT; i++)
            if (slice_is((struct slice){at, len}, amount_words[i]))
                terms[i] = (struct term){true, sign};
        at += len;
        at += *at == ' ';
    }
}

/*
 * Debits less credits, amount by amount, must be one multiple of the identity: then, and only
 * then, the entry balances for all amounts that the trigger can bring.
 */
enum err template_check(const struct template *template, struct fault *fault)
{
    struct term terms[AMOUNT_COUNT] = {0};
    int sums[AMOUNT_COUNT] = {0};
    read_identity(triggers[template->trigger].identity, terms);
    for (size_t i = 0; i < template->line_count; i++) {
        const struct template_line *line = &template->lines[i];
        if (!terms[line->amount].present)
            return fault_set(fault, ERR_INVALID, trigger_words[template->trigger],
                             "this trigger has no amount \"%s\"", amount_words[line->amount]);
        sums[line->amount] += line->side == TEMPLATE_DEBIT ? 1 : -1;
    }
    bool first = true;
    int multiple = 0;
    for (size_t i = 0; i < AMOUNT_COUNT; i++) {
        if (!terms[i].present)
            continue;
        int of_this = sums[i] * terms[i].sign;
        bool fits = terms[i].sign == 0 ? sums[i] == 0 : first || of_this == multiple;
        if (!fits)
            return fault_set(fault, ERR_INVALID, trigger_words[template->trigger],
                             "the lines don't balance for every amount: see \"%s\"",
                             amount_words[i]);
        if (terms[i].sign)
            multiple = of_this;
        first = false;
    }
    return ERR_OK;
}
