#include "agent/capture/return_data.h"
#include "agent/returns/facts_json.h"
#include "hal/base/cleanup.h"
#include "hal/base/rfc3339.h"

#include <string.h>

enum { DECIMAL_TEXT = 32 };

void business_date(char out[static BUSINESS_DATE_TEXT + 1], const struct facts *facts)
{
    char text[RFC3339_TEXT + 1];
    rfc3339_format(facts->now_ms + (int64_t)facts->utc_offset_minutes * 60000, text);
    memcpy(out, text, BUSINESS_DATE_TEXT);
    out[BUSINESS_DATE_TEXT] = '\0';
}

static void write_request(struct jsonw *w, const struct cJSON *request)
{
    struct buf text CLEANUP(buf_free);
    buf_init(&text, EVENT_BODY_MAX);
    json_print_without(request, "contact", &text);
    if (text.failed)
        w->out->failed = true;
    jsonw_raw(w, "request", buf_slice(&text));
}

static void write_decimal(struct jsonw *w, const char *key, struct decimal value)
{
    struct buf text CLEANUP(buf_free);
    buf_init(&text, DECIMAL_TEXT);
    decimal_write(&text, value);
    jsonw_slice(w, key, buf_slice(&text));
}

static void write_day(struct jsonw *w, const struct facts *facts)
{
    char day[BUSINESS_DATE_TEXT + 1];
    business_date(day, facts);
    jsonw_text(w, "business_date", day);
}

static void write_sale(struct jsonw *w, const struct question *question)
{
    char id[ID_TEXT + 1];
    id_format(&question->found.id, id);
    jsonw_text(w, "sale_id", id);
    jsonw_raw(w, "sale", question->found.data);
    const struct sale *sale = &question->found.sale;
    if (!sale->has_market)
        return;
    bool collects = sale->market.tax_collected_by == COLLECTOR_MARKETPLACE;
    jsonw_object(w, "marketplace");
    jsonw_text(w, "name", sale->market.name);
    jsonw_text(w, "tax_collected_by", collects ? "marketplace" : "seller");
    jsonw_end(w);
}

static void write_exchange(struct jsonw *w, const struct question *question)
{
    const struct decision *decision = &question->decision;
    if (!decision->paid_currency || decision->paid_currency == decision->currency)
        return;
    jsonw_object(w, "exchange");
    jsonw_text(w, "currency", decision->paid_currency->code);
    write_decimal(w, "sale_rate", question->facts.fx.at_sale);
    write_decimal(w, "rate", decision->fx_rate);
    jsonw_end(w);
}

void return_data_created(struct buf *out, const struct return_data *data)
{
    const struct question *question = data->question;
    const struct decision *decision = &question->decision;
    struct jsonw w = jsonw_to(out);
    jsonw_object(&w, NULL);
    write_day(&w, &question->facts);
    jsonw_text(&w, "number", data->number);
    jsonw_text(&w, "store", data->store->store.number);
    jsonw_text(&w, "country", data->store->store.country);
    jsonw_text(&w, "lane", data->actor->lane);
    jsonw_text(&w, "person", data->actor->person);
    jsonw_text(&w, "receipt", question->request->receipt);
    if (question->request->authorisation)
        jsonw_text(&w, "authorisation", question->request->authorisation);
    if (question->request->customer)
        jsonw_text(&w, "customer", question->request->customer);
    if (data->contact)
        contact_sealed_write(&w, data->contact);
    if (data->contact_unsaved)
        jsonw_bool(&w, "contact_unsaved", true);
    jsonw_text(&w, "currency",
               decision->currency ? decision->currency->code : data->store->store.currency);
    decision_write(decision, data->store->policy, POLICY_EN, &w);
    write_exchange(&w, question);
    facts_write(&question->facts, &w);
    write_request(&w, data->request);
    if (question->has_sale)
        write_sale(&w, question);
    jsonw_end(&w);
}

bool return_data_received(struct buf *out, const struct return_data *data)
{
    const struct decision *decision = &data->question->decision;
    bool any = false;
    struct jsonw w = jsonw_to(out);
    for (size_t i = 0; i < decision->line_count; i++) {
        const struct decided_line *line = &decision->lines[i];
        if (line->goods != GOODS_RECEIVED)
            continue;
        if (!any) {
            jsonw_object(&w, NULL);
            write_day(&w, &data->question->facts);
            jsonw_array(&w, "lines");
            any = true;
        }
        jsonw_object(&w, NULL);
        jsonw_int(&w, "line", line->line);
        jsonw_int(&w, "quantity", line->quantity);
        jsonw_text(&w, "condition", line->condition);
        jsonw_end(&w);
    }
    if (any) {
        jsonw_end(&w);
        jsonw_end(&w);
    }
    return any;
}

void return_data_requested(struct buf *out, const struct return_data *data,
                           const struct decided_tender *tender, size_t position)
{
    const struct decision *decision = &data->question->decision;
    struct jsonw w = jsonw_to(out);
    jsonw_object(&w, NULL);
    write_day(&w, &data->question->facts);
    jsonw_int(&w, "position", (int64_t)position);
    jsonw_int(&w, "tender", tender->tender);
    jsonw_text(&w, "type", tender_words[tender->type]);
    jsonw_int(&w, "amount", tender->amount_minor);
    jsonw_text(&w, "currency", decision->currency->code);
    jsonw_text(&w, "executor", executor_words[tender->executor]);
    if (tender->reference)
        jsonw_text(&w, "reference", tender->reference);
    jsonw_end(&w);
}

bool return_data_commission(struct buf *out, const struct return_data *data)
{
    const struct decision *decision = &data->question->decision;
    int64_t reversed_minor = 0;
    for (size_t i = 0; i < decision->line_count; i++)
        reversed_minor += decision->lines[i].commission.reversed_minor;
    if (reversed_minor == 0)
        return false;
    struct jsonw w = jsonw_to(out);
    jsonw_object(&w, NULL);
    write_day(&w, &data->question->facts);
    jsonw_int(&w, "amount", reversed_minor);
    jsonw_array(&w, "lines");
    for (size_t i = 0; i < decision->line_count; i++) {
        const struct decided_commission *commission = &decision->lines[i].commission;
        jsonw_object(&w, NULL);
        jsonw_int(&w, "line", decision->lines[i].line);
        jsonw_int(&w, "fee", commission->fee_minor);
        jsonw_int(&w, "kept", commission->kept_minor);
        jsonw_int(&w, "amount", commission->reversed_minor);
        jsonw_end(&w);
    }
    jsonw_end(&w);
    jsonw_end(&w);
    return true;
}
