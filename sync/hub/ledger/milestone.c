#include "sync/hub/ledger/milestone.h"
#include "sync/hub/ledger/period.h"

#include <stddef.h>

static const char *const decision_words[] = {
    "accepted", "accepted_pending_check", "needs_manager", "needs_link", "declined", NULL};
const char *const milestone_goods_words[] = {"none",      "expected",      "received",
                                             "inspected", "dispositioned", NULL};
static const char *const disposition_words[] = {"undecided",
                                                "restock",
                                                "quarantine",
                                                "repair",
                                                "return_to_supplier",
                                                "return_to_manufacturer",
                                                "liquidate",
                                                "donate",
                                                "destroy",
                                                "write_off",
                                                NULL};
static const char *const from_words[] = {"quarantine", "repair", NULL};
static const char *const collector_words[] = {"seller", "marketplace", NULL};
static const char *const check_words[] = {"failed", "passed", NULL};
static const char *const stage_words[] = {"opened", "fee", "lost", "won", NULL};
static const char *const settled_words[] = {"refund",   "sale",        "chargeback",
                                            "reversed", "written_off", NULL};

/* What one event's data may hold before it is sorted into the milestone. */
struct data {
    const char *business_date;
    int check;
    struct milestone m;
};

#define COUNT(list) (sizeof(list) / sizeof *(list))
#define TABLE(list, type)                                                                          \
    {                                                                                              \
        .fields = (list), .count = COUNT(list), .item_size = sizeof(type), .allow_unknown = true   \
    }
#define TEXT(key, how, type, member)                                                               \
    {                                                                                              \
        .name = (key), .kind = JSON_TEXT, .presence = JSON_##how,                                  \
        .offset = offsetof(type, member), .max = MILESTONE_TEXT_MAX                                \
    }
#define WHOLE(key, how, type, member, least)                                                       \
    {                                                                                              \
        .name = (key), .kind = JSON_INT, .presence = JSON_##how, .offset = offsetof(type, member), \
        .min = (least), .max = MILESTONE_AMOUNT_MAX                                                \
    }
#define AMOUNT(key, how, type, member) WHOLE(key, how, type, member, 0)
#define SIGNED(key, how, type, member) WHOLE(key, how, type, member, -MILESTONE_AMOUNT_MAX)
#define CHOICE(key, how, type, member, words)                                                      \
    {                                                                                              \
        .name = (key), .kind = JSON_CHOICE, .presence = JSON_##how,                                \
        .offset = offsetof(type, member), .choices = (words)                                       \
    }
#define LIST(key, how, type, member, counter, table, least, most)                                  \
    {                                                                                              \
        .name = (key), .kind = JSON_LIST, .presence = JSON_##how,                                  \
        .offset = offsetof(type, member), .count_offset = offsetof(type, counter),                 \
        .items = &(table), .min = (least), .max = (most)                                           \
    }
#define OBJECT(key, how, type, member, table)                                                      \
    {                                                                                              \
        .name = (key), .kind = JSON_OBJECT, .presence = JSON_##how,                                \
        .offset = offsetof(type, member), .items = &(table)                                        \
    }
#define TAXES(type, member, how, table)                                                            \
    LIST("tax", how, type, member.items, member.count, table, 0, MILESTONE_TAXES_MAX)

static const struct json_field tax_fields[] = {
    TEXT("type", OPTIONAL, struct tax_piece, type),
    TEXT("class", OPTIONAL, struct tax_piece, tax_class),
    TEXT("jurisdiction", OPTIONAL, struct tax_piece, jurisdiction),
    TEXT("rate", OPTIONAL, struct tax_piece, rate),
    SIGNED("amount", REQUIRED, struct tax_piece, amount_minor),
};
static const struct json_table tax_table = TABLE(tax_fields, struct tax_piece);

static const struct json_field fee_fields[] = {
    AMOUNT("amount", REQUIRED, struct milestone_line, fee.amount_minor),
    AMOUNT("tax", OPTIONAL, struct milestone_line, fee.tax_minor),
};
static const struct json_table fee_table = TABLE(fee_fields, struct milestone_line);

/* `fee` is read into the line itself, so its fields count from the line's start. */
#define FEE                                                                                        \
    {                                                                                              \
        .name = "fee", .kind = JSON_OBJECT, .presence = JSON_OPTIONAL, .offset = 0,                \
        .items = &fee_table                                                                        \
    }

static const struct json_field returned_fields[] = {
    WHOLE("line", REQUIRED, struct milestone_line, line, 1),
    WHOLE("quantity", REQUIRED, struct milestone_line, quantity, 1),
    AMOUNT("net", REQUIRED, struct milestone_line, net_minor),
    TAXES(struct milestone_line, tax, REQUIRED, tax_table),
    AMOUNT("gross", REQUIRED, struct milestone_line, gross_minor),
    FEE,
    AMOUNT("cost", OPTIONAL, struct milestone_line, cost_minor),
    {.name = "goods",
     .kind = JSON_CHOICE,
     .presence = JSON_OPTIONAL,
     .offset = offsetof(struct milestone_line, goods),
     .choices = milestone_goods_words,
     .present_offset = offsetof(struct milestone_line, has_goods)},
};
static const struct json_table returned_table = TABLE(returned_fields, struct milestone_line);

static const struct json_field goods_fields[] = {
    WHOLE("line", REQUIRED, struct milestone_line, line, 1),
    WHOLE("quantity", REQUIRED, struct milestone_line, quantity, 1),
    TEXT("condition", OPTIONAL, struct milestone_line, condition),
};
static const struct json_table goods_table = TABLE(goods_fields, struct milestone_line);

static const struct json_field disposed_fields[] = {
    WHOLE("line", REQUIRED, struct milestone_line, line, 1),
    WHOLE("quantity", REQUIRED, struct milestone_line, quantity, 1),
    CHOICE("disposition", REQUIRED, struct milestone_line, disposition, disposition_words),
    CHOICE("from", OPTIONAL, struct milestone_line, from_repair, from_words),
    AMOUNT("nrv", OPTIONAL, struct milestone_line, nrv_minor),
};
static const struct json_table disposed_table = TABLE(disposed_fields, struct milestone_line);

static const struct json_field conflict_fields[] = {
    WHOLE("line", REQUIRED, struct milestone_line, line, 1),
    WHOLE("quantity", REQUIRED, struct milestone_line, quantity, 0),
    SIGNED("net", OPTIONAL, struct milestone_line, net_minor),
    TAXES(struct milestone_line, tax, OPTIONAL, tax_table),
    {.name = "gross",
     .kind = JSON_INT,
     .presence = JSON_OPTIONAL,
     .offset = offsetof(struct milestone_line, gross_minor),
     .min = -MILESTONE_AMOUNT_MAX,
     .max = MILESTONE_AMOUNT_MAX,
     .present_offset = offsetof(struct milestone_line, has_gross)},
};
static const struct json_table conflict_table = TABLE(conflict_fields, struct milestone_line);

static const struct json_field tender_fields[] = {
    WHOLE("tender", REQUIRED, struct milestone_tender, tender, 0),
    TEXT("type", REQUIRED, struct milestone_tender, type),
    SIGNED("amount", REQUIRED, struct milestone_tender, amount_minor),
};
static const struct json_table tender_table = TABLE(tender_fields, struct milestone_tender);

static const struct json_field refund_fields[] = {
    LIST("tenders", OPTIONAL, struct milestone, refund.tenders, refund.tender_count, tender_table,
         0, MILESTONE_TENDERS_MAX),
};
static const struct json_table refund_table = TABLE(refund_fields, struct milestone);

static const struct json_field exchange_fields[] = {
    TEXT("currency", REQUIRED, struct milestone, exchange.currency),
    TEXT("sale_rate", REQUIRED, struct milestone, exchange.sale_rate),
    TEXT("rate", REQUIRED, struct milestone, exchange.rate),
};
static const struct json_table exchange_table = TABLE(exchange_fields, struct milestone);

static const struct json_field marketplace_fields[] = {
    TEXT("name", REQUIRED, struct milestone, marketplace.name),
    CHOICE("tax_collected_by", OPTIONAL, struct milestone, marketplace.tax_collected_by_marketplace,
           collector_words),
};
static const struct json_table marketplace_table = TABLE(marketplace_fields, struct milestone);

static const struct json_field commission_fields[] = {
    WHOLE("line", REQUIRED, struct commission_line, line, 1),
    AMOUNT("fee", REQUIRED, struct commission_line, fee_minor),
    AMOUNT("kept", REQUIRED, struct commission_line, kept_minor),
    AMOUNT("amount", REQUIRED, struct commission_line, amount_minor),
};
static const struct json_table commission_table = TABLE(commission_fields, struct commission_line);

static const struct json_field sale_fields[] = {
    AMOUNT("net", REQUIRED, struct milestone, sale_net_minor),
    TAXES(struct milestone, tax, REQUIRED, tax_table),
    WHOLE("gross", REQUIRED, struct milestone, sale_gross_minor, 1),
};
static const struct json_table sale_table = TABLE(sale_fields, struct milestone);

#define DATE TEXT("business_date", OPTIONAL, struct data, business_date)
#define LINES(table, least)                                                                        \
    LIST("lines", REQUIRED, struct data, m.lines, m.line_count, table, least, MILESTONE_LINES_MAX)
/* An object whose table counts from the milestone's start. */
#define PART(key, how, table)                                                                      \
    {                                                                                              \
        .name = (key), .kind = JSON_OBJECT, .presence = JSON_##how,                                \
        .offset = offsetof(struct data, m), .items = &(table)                                      \
    }

static const struct json_field created_fields[] = {
    DATE,
    TEXT("number", REQUIRED, struct data, m.number),
    TEXT("store", REQUIRED, struct data, m.store),
    TEXT("company", OPTIONAL, struct data, m.company),
    TEXT("country", OPTIONAL, struct data, m.country),
    TEXT("receipt", OPTIONAL, struct data, m.receipt),
    TEXT("currency", REQUIRED, struct data, m.currency),
    CHOICE("decision", REQUIRED, struct data, m.decision, decision_words),
    CHOICE("goods", OPTIONAL, struct data, m.goods, milestone_goods_words),
    PART("exchange", OPTIONAL, exchange_table),
    PART("marketplace", OPTIONAL, marketplace_table),
    PART("refund", OPTIONAL, refund_table),
    LINES(returned_table, 0),
};
static const struct json_field approved_fields[] = {
    DATE, CHOICE("decision", OPTIONAL, struct data, m.decision, decision_words)};
static const struct json_field plain_fields[] = {DATE};
static const struct json_field checked_fields[] = {
    DATE, CHOICE("result", REQUIRED, struct data, check, check_words)};
static const struct json_field received_fields[] = {DATE, LINES(goods_table, 1)};
static const struct json_field dispositioned_fields[] = {DATE, LINES(disposed_table, 1)};
static const struct json_field conflicted_fields[] = {DATE, LINES(conflict_table, 1)};
static const struct json_field issued_fields[] = {
    DATE,
    WHOLE("tender", REQUIRED, struct data, m.tender, 0),
    TEXT("type", REQUIRED, struct data, m.tender_type),
    SIGNED("amount", REQUIRED, struct data, m.amount_minor),
    SIGNED("rounding", OPTIONAL, struct data, m.rounding_minor),
    {.name = "paid",
     .kind = JSON_INT,
     .offset = offsetof(struct data, m.paid_minor),
     .presence = JSON_OPTIONAL,
     .min = 0,
     .max = MILESTONE_AMOUNT_MAX,
     .present_offset = offsetof(struct data, m.has_paid)},
    WHOLE("position", OPTIONAL, struct data, m.position, 0),
    TEXT("refund", OPTIONAL, struct data, m.refund_id),
};
static const struct json_field failed_fields[] = {
    DATE,
    WHOLE("tender", REQUIRED, struct data, m.tender, 0),
    WHOLE("position", OPTIONAL, struct data, m.position, 0),
    TEXT("refund", OPTIONAL, struct data, m.refund_id),
};
static const struct json_field settled_fields[] = {
    DATE,
    TEXT("type", REQUIRED, struct data, m.tender_type),
    SIGNED("amount", REQUIRED, struct data, m.amount_minor),
    SIGNED("fee", OPTIONAL, struct data, m.fee_minor),
    CHOICE("kind", OPTIONAL, struct data, m.settled_kind, settled_words),
    TEXT("refund", OPTIONAL, struct data, m.refund_id),
};
static const struct json_field adjusted_fields[] = {DATE,
                                                    TAXES(struct data, m.tax, REQUIRED, tax_table)};
static const struct json_field commission_reversed_fields[] = {
    DATE,
    AMOUNT("amount", REQUIRED, struct data, m.amount_minor),
    LIST("lines", OPTIONAL, struct data, m.commissions, m.commission_count, commission_table, 0,
         MILESTONE_LINES_MAX),
};
static const struct json_field disputed_fields[] = {
    DATE,
    CHOICE("stage", REQUIRED, struct data, m.stage, stage_words),
    TEXT("type", OPTIONAL, struct data, m.tender_type),
    {.name = "amount",
     .kind = JSON_INT,
     .presence = JSON_OPTIONAL,
     .offset = offsetof(struct data, m.amount_minor),
     .min = 0,
     .max = MILESTONE_AMOUNT_MAX,
     .present_offset = offsetof(struct data, m.has_amount)},
    AMOUNT("fee", OPTIONAL, struct data, m.fee_minor),
};
static const struct json_field linked_fields[] = {
    DATE,
    AMOUNT("applied", REQUIRED, struct data, m.amount_minor),
    PART("sale", REQUIRED, sale_table),
};

static const struct json_table *table_of(enum event_type type)
{
    static const struct json_table tables[EVENT_TYPE_COUNT] = {
        [EVENT_RETURN_CREATED] = TABLE(created_fields, struct data),
        [EVENT_RETURN_APPROVED] = TABLE(approved_fields, struct data),
        [EVENT_RETURN_DECLINED] = TABLE(plain_fields, struct data),
        [EVENT_RETURN_CHECKED] = TABLE(checked_fields, struct data),
        [EVENT_RETURN_VOIDED] = TABLE(plain_fields, struct data),
        [EVENT_ITEM_RECEIVED] = TABLE(received_fields, struct data),
        [EVENT_ITEM_DISPOSITIONED] = TABLE(dispositioned_fields, struct data),
        [EVENT_INVENTORY_RESTOCKED] = TABLE(received_fields, struct data),
        [EVENT_REFUND_ISSUED] = TABLE(issued_fields, struct data),
        [EVENT_REFUND_FAILED] = TABLE(failed_fields, struct data),
        [EVENT_REFUND_SETTLED] = TABLE(settled_fields, struct data),
        [EVENT_TAX_ADJUSTED] = TABLE(adjusted_fields, struct data),
        [EVENT_COMMISSION_REVERSED] = TABLE(commission_reversed_fields, struct data),
        [EVENT_RETURN_DISPUTED] = TABLE(disputed_fields, struct data),
        [EVENT_EXCHANGE_LINKED] = TABLE(linked_fields, struct data),
        [EVENT_RETURN_CONFLICTED] = TABLE(conflicted_fields, struct data),
    };
    return tables[type].count ? &tables[type] : NULL;
}

static int64_t taxes_minor(const struct tax_list *tax)
{
    int64_t sum = 0;
    for (size_t i = 0; i < tax->count; i++)
        sum += tax->items[i].amount_minor;
    return sum;
}

static enum err refuse_line(struct fault *fault, size_t index, const char *field, const char *rule)
{
    char where[FAULT_WHERE_MAX];
    struct buf path;
    buf_init(&path, sizeof where - 1);
    buf_printf(&path, "lines[%zu].%s", index, field);
    enum err err = fault_set(fault, ERR_INVALID, path.data ? path.data : field, "%s", rule);
    buf_free(&path);
    return err;
}

static enum err check_created(const struct milestone *m, struct fault *fault)
{
    int64_t total = 0;
    for (size_t i = 0; i < m->line_count; i++) {
        const struct milestone_line *line = &m->lines[i];
        total += line->gross_minor + line->cost_minor;
        for (size_t k = 0; k < line->tax.count; k++)
            if (line->tax.items[k].amount_minor < 0)
                return refuse_line(fault, i, "tax", "must not be negative");
        if (line->net_minor + taxes_minor(&line->tax) != line->gross_minor)
            return refuse_line(fault, i, "gross", "must be net plus tax");
        if (line->fee.tax_minor > line->fee.amount_minor ||
            line->fee.amount_minor > line->gross_minor)
            return refuse_line(fault, i, "fee", "must hold its tax and be within gross");
    }
    if (total > MILESTONE_AMOUNT_MAX)
        return fault_set(fault, ERR_INVALID, "lines", "the amounts are too large");
    if (!currency_find(slice_of(m->currency)))
        return fault_set(fault, ERR_INVALID, "currency", "is not an ISO 4217 code");
    if (m->exchange.currency && !currency_find(slice_of(m->exchange.currency)))
        return fault_set(fault, ERR_INVALID, "exchange.currency", "is not an ISO 4217 code");
    return ERR_OK;
}

static enum err check_conflicted(const struct milestone *m, struct fault *fault)
{
    for (size_t i = 0; i < m->line_count; i++) {
        const struct milestone_line *line = &m->lines[i];
        if (line->has_gross && line->net_minor + taxes_minor(&line->tax) != line->gross_minor)
            return refuse_line(fault, i, "gross", "must be net plus tax");
        if (!line->has_gross && line->quantity == 0)
            return refuse_line(fault, i, "quantity", "must be at least 1 without amounts");
    }
    return ERR_OK;
}

static enum err check_commission(const struct milestone *m, struct fault *fault)
{
    int64_t sum = 0;
    for (size_t i = 0; i < m->commission_count; i++) {
        const struct commission_line *line = &m->commissions[i];
        if (line->amount_minor != line->fee_minor - line->kept_minor)
            return refuse_line(fault, i, "amount", "must be fee less kept");
        sum += line->amount_minor;
    }
    if (m->commission_count && sum != m->amount_minor)
        return fault_set(fault, ERR_INVALID, "amount", "must be the sum of the lines");
    return ERR_OK;
}

static enum err check(const struct milestone *m, struct fault *fault)
{
    switch (m->type) {
    case EVENT_RETURN_CREATED:
        return check_created(m, fault);
    case EVENT_RETURN_APPROVED:
        if (m->decision != DECISION_ACCEPTED && m->decision != DECISION_PENDING_CHECK)
            return fault_set(fault, ERR_INVALID, "decision", "an approval accepts");
        return ERR_OK;
    case EVENT_RETURN_CONFLICTED:
        return check_conflicted(m, fault);
    case EVENT_COMMISSION_REVERSED:
        return check_commission(m, fault);
    case EVENT_REFUND_SETTLED:
        if (m->amount_minor < 0 && m->settled_kind != SETTLED_WRITTEN_OFF)
            return fault_set(fault, ERR_INVALID, "amount", "must not be negative");
        return ERR_OK;
    case EVENT_RETURN_DISPUTED:
        if (m->stage == DISPUTE_OPENED && !m->has_amount)
            return fault_set(fault, ERR_INVALID, "amount", "is missing");
        return ERR_OK;
    case EVENT_EXCHANGE_LINKED:
        if (m->sale_net_minor + taxes_minor(&m->tax) != m->sale_gross_minor)
            return fault_set(fault, ERR_INVALID, "sale.gross", "must be net plus tax");
        if (m->amount_minor > m->sale_gross_minor)
            return fault_set(fault, ERR_INVALID, "applied", "must be within the new sale");
        return ERR_OK;
    default:
        return ERR_OK;
    }
}

static void fill_empty(const char **text)
{
    if (!*text)
        *text = "";
}

static void fill_empty_taxes(const struct tax_list *tax)
{
    for (size_t i = 0; i < tax->count; i++) {
        fill_empty(&tax->items[i].type);
        fill_empty(&tax->items[i].tax_class);
        fill_empty(&tax->items[i].jurisdiction);
        fill_empty(&tax->items[i].rate);
    }
}

static void fill_empty_texts(struct milestone *m)
{
    const char **texts[] = {&m->number,  &m->store,       &m->company,  &m->country,
                            &m->receipt, &m->tender_type, &m->refund_id};
    for (size_t i = 0; i < COUNT(texts); i++)
        fill_empty(texts[i]);
    for (size_t i = 0; i < m->line_count; i++) {
        if (!m->lines[i].has_goods)
            m->lines[i].goods = m->goods;
        fill_empty(&m->lines[i].condition);
        fill_empty_taxes(&m->lines[i].tax);
    }
    fill_empty_taxes(&m->tax);
}

static enum err read_data(struct slice text, const struct json_table *table, struct arena *arena,
                          struct data *data, struct fault *fault)
{
    struct json_limits limits = {.bytes = EVENT_BODY_MAX, .depth = 16};
    enum err err = json_parse(text, limits, &data->m.document, fault);
    if (!err)
        err = json_read(data->m.document, table, data, arena, fault);
    if (!err && data->business_date && day_parse(data->business_date, &data->m.document_day))
        err = fault_set(fault, ERR_INVALID, "business_date", "must be a day like 2026-11-22");
    if (!err)
        err = check(&data->m, fault);
    return err;
}

enum err milestone_read(const struct event *event, struct arena *arena, struct milestone *out,
                        struct fault *fault)
{
    struct data data = {.m = {.type = event->type,
                              .goods = GOODS_EXPECTED,
                              .position = -1,
                              .sequence = event->sequence,
                              .document_day = day_of_ms(event->time_ms)}};
    id_format(&event->id, data.m.event_id);
    id_format(&event->correlation, data.m.return_id);
    data.m.source = arena_slice_text(arena, event->source);
    if (!data.m.source)
        return fault_set(fault, ERR_NO_MEMORY, "source", "no room to read the event");
    const struct json_table *table = table_of(event->type);
    if (table) {
        enum err err = read_data(event->data, table, arena, &data, fault);
        if (err) {
            milestone_close(&data.m);
            return err;
        }
    }
    data.m.check_passed = data.check == 1;
    fill_empty_texts(&data.m);
    *out = data.m;
    return ERR_OK;
}

void milestone_close(struct milestone *m)
{
    if (!m)
        return;
    json_free(m->document);
    m->document = NULL;
}
