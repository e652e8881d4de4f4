#include "sync/hub/ledger/booking.h"
#include "sync/contract/money.h"

#include <assert.h>
#include <string.h>

/* Entries, payments and sources that one event may add. */
enum { ROOM = 16 };

/* Minor units of one currency for one of another: keeps every product within 64 bits. */
#define RATE_MAX INT64_C(100000)

static const struct tax_piece no_tax[] = {{"", "", "", "", 0}};

enum err booking_no_room(const struct booking *b)
{
    return fault_set(b->fault, ERR_NO_MEMORY, "", "no room to apply the event");
}

/* `list` copied, with room for `room` more; NULL when the arena is exhausted. */
static void *copy_list(struct arena *arena, const void *list, size_t count, size_t room,
                       size_t size)
{
    void *copy = arena_alloc(arena, count + room, size);
    if (copy && count)
        memcpy(copy, list, count * size);
    return copy;
}

enum err booking_start(struct booking *b, const struct position *before)
{
    struct position *p = b->position;
    *p = *before;
    if (p->entry_count + ROOM > POSITION_ENTRIES_MAX ||
        p->payment_count + ROOM > POSITION_PAYMENTS_MAX)
        return fault_set(b->fault, ERR_TOO_LARGE, "", "the return has too many events");
    p->lines = copy_list(b->arena, p->lines, p->line_count, 1, sizeof *p->lines);
    p->payments = copy_list(b->arena, p->payments, p->payment_count, ROOM, sizeof *p->payments);
    p->sources = copy_list(b->arena, p->sources, p->source_count, 1, sizeof *p->sources);
    p->entries = copy_list(b->arena, p->entries, p->entry_count, ROOM, sizeof *p->entries);
    if (!p->lines || !p->payments || !p->sources || !p->entries)
        return booking_no_room(b);
    return ERR_OK;
}

/* "Return R0042-000123-7: goods received" */
static void write_text(struct buf *text, const char *number, const char *rule)
{
    buf_printf(text, "Return %s: ", number);
    for (const char *c = rule; *c; c++)
        buf_append_char(text, *c == '_' ? ' ' : *c);
}

static char *format(struct arena *arena, const char *a, const char *b,
                    void (*write)(struct buf *, const char *, const char *))
{
    struct buf text;
    buf_init(&text, 1024);
    write(&text, a, b);
    char *copy = buf_check(&text, NULL, "") ? NULL : arena_slice_text(arena, buf_slice(&text));
    buf_free(&text);
    return copy;
}

static void write_reference(struct buf *text, const char *event_id, const char *rule)
{
    buf_printf(text, "%s/%s", event_id, rule);
}

enum err booking_begin(const struct booking *b, const char *rule, struct entry *entry)
{
    const struct position *p = b->position;
    *entry = (struct entry){
        .reference = format(b->arena, b->milestone->event_id, rule, write_reference),
        .return_id = p->return_id,
        .number = p->number,
        .event_id = arena_text(b->arena, b->milestone->event_id),
        .rule = rule,
        .company = b->company->name,
        .store = p->store,
        .currency = p->paid_currency,
        .document_day = b->milestone->document_day,
        .text = format(b->arena, p->number, rule, write_text),
    };
    if (!entry->reference || !entry->event_id || !entry->text)
        return booking_no_room(b);
    return ERR_OK;
}

static enum err add_line(const struct booking *b, struct entry *entry,
                         const struct template_line *line, const struct booking_amounts *amounts,
                         const struct tax_piece *tax, int64_t amount_minor)
{
    const char *role = line->role;
    if (strcmp(role, "holding") == 0)
        role = amounts->from_repair ? "repair_stock" : "quarantine_stock";
    struct chart_key key = {
        .role = role,
        .country = b->position->country,
        .tender = strcmp(role, "tender") == 0 && amounts->tender ? amounts->tender : "",
        .jurisdiction = tax->jurisdiction,
        .rate = tax->rate};
    if (amount_minor == 0)
        return ERR_OK;
    const char *account;
    enum err err = chart_account(&b->company->chart, &key, &account, b->fault);
    if (!err && *key.tender && !(key.tender = arena_text(b->arena, key.tender)))
        err = booking_no_room(b);
    if (err)
        return err;
    return entry_add(entry, b->arena, account, &key,
                     line->side == TEMPLATE_DEBIT ? amount_minor : -amount_minor, b->fault);
}

enum err booking_add(const struct booking *b, struct entry *entry, enum trigger trigger,
                     const struct booking_amounts *amounts)
{
    const struct template *template = b->company->templates[trigger];
    enum err err = ERR_OK;
    for (size_t i = 0; i < template->line_count && !err; i++) {
        const struct template_line *line = &template->lines[i];
        if (line->amount != AMOUNT_TAX && line->amount != AMOUNT_FEE_TAX) {
            err = add_line(b, entry, line, amounts, no_tax, amounts->of[line->amount]);
            continue;
        }
        const struct tax_list *tax = line->amount == AMOUNT_TAX ? &amounts->tax : &amounts->fee_tax;
        for (size_t k = 0; k < tax->count && !err; k++)
            err = add_line(b, entry, line, amounts, &tax->items[k], tax->items[k].amount_minor);
    }
    return err;
}

enum err booking_mirror(const struct booking *b, struct entry *entry, const struct entry *earlier)
{
    enum err err = ERR_OK;
    for (size_t i = 0; i < earlier->line_count && !err; i++) {
        const struct journal_line *line = &earlier->lines[i];
        err = entry_add(entry, b->arena, line->account, &line->key,
                        line->credit_minor - line->debit_minor, b->fault);
    }
    return err;
}

void booking_finish(const struct booking *b, struct entry *entry, const char **reference)
{
    entry_tidy(entry);
    assert(entry_imbalance(entry) == 0);
    if (entry->line_count)
        b->position->entries[b->position->entry_count++] = *entry;
    if (reference)
        *reference = entry->line_count ? entry->reference : "";
}

enum err booking_book(const struct booking *b, enum trigger trigger,
                      const struct booking_amounts *amounts, const char **reference)
{
    struct entry entry;
    enum err err = booking_begin(b, trigger_name(trigger), &entry);
    if (!err)
        err = booking_add(b, &entry, trigger, amounts);
    if (!err)
        booking_finish(b, &entry, reference);
    return err;
}

enum err booking_book_amount(const struct booking *b, enum trigger trigger, const char *tender,
                             int64_t amount_minor)
{
    struct booking_amounts amounts = {.of[AMOUNT_AMOUNT] = amount_minor, .tender = tender};
    return booking_book(b, trigger, &amounts, NULL);
}

static enum err refuse_rate(const struct booking *b)
{
    return fault_set(b->fault, ERR_INVALID, "exchange", "a rate must be above 0 and below %lld",
                     (long long)RATE_MAX);
}

static int64_t power_of_ten(int exponent)
{
    int64_t power = 1;
    for (int i = 0; i < exponent; i++)
        power *= 10;
    return power;
}

enum err booking_convert(const struct booking *b, const char *rate, int64_t amount_minor,
                         int64_t *converted_minor)
{
    if (!*rate) {
        *converted_minor = amount_minor;
        return ERR_OK;
    }
    const struct currency *from = currency_find(slice_of(b->position->currency));
    const struct currency *to = currency_find(slice_of(b->position->paid_currency));
    struct decimal factor;
    if (!from || !to || decimal_parse(slice_of(rate), &factor) || factor.digits <= 0 ||
        factor.digits > RATE_MAX * power_of_ten(factor.places))
        return refuse_rate(b);
    int64_t up = to->exponent > from->exponent ? power_of_ten(to->exponent - from->exponent) : 1;
    int64_t down = from->exponent > to->exponent ? power_of_ten(from->exponent - to->exponent) : 1;
    int64_t part = factor.digits * up;
    int64_t whole = power_of_ten(factor.places) * down;
    if (part / whole >= RATE_MAX)
        return refuse_rate(b);
    int64_t converted = money_share(amount_minor, part, whole);
    if (converted > MILESTONE_AMOUNT_MAX || converted < -MILESTONE_AMOUNT_MAX)
        return fault_set(b->fault, ERR_TOO_LARGE, "exchange", "the amount paid back is too large");
    *converted_minor = converted;
    return ERR_OK;
}

enum err booking_convert_tax(const struct booking *b, const struct tax_list *tax,
                             struct tax_list *converted)
{
    struct tax_piece *items = arena_alloc(b->arena, tax->count + 1, sizeof *items);
    if (!items)
        return booking_no_room(b);
    for (size_t i = 0; i < tax->count; i++) {
        const struct tax_piece *from = &tax->items[i];
        items[i] = (struct tax_piece){
            arena_text(b->arena, from->type), arena_text(b->arena, from->tax_class),
            arena_text(b->arena, from->jurisdiction), arena_text(b->arena, from->rate), 0};
        if (!items[i].type || !items[i].tax_class || !items[i].jurisdiction || !items[i].rate)
            return booking_no_room(b);
        enum err err =
            booking_convert(b, b->position->sale_rate, from->amount_minor, &items[i].amount_minor);
        if (err)
            return err;
    }
    *converted = (struct tax_list){items, tax->count};
    return ERR_OK;
}
