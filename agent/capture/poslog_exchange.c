/* poslog_order.h: a transaction in which goods came back and others were sold. */
#include "agent/capture/poslog_maker.h"
#include "hal/base/cleanup.h"
#include "sync/contract/event.h"

static int64_t taken_in(const struct poslog_order *order)
{
    int64_t sum = 0;
    for (size_t i = 0; i < order->tender_count; i++)
        sum += order->tenders[i].amount_minor;
    return sum;
}

static bool write_sale(struct poslog_maker *m)
{
    struct poslog_order *order = m->order;
    m->w = jsonw_to(&order->sale);
    bool written = poslog_write_sale(m);
    order->sale_end = m->w;
    order->sale_minor =
        m->line_amounts_minor + (m->source->prices_include_tax ? 0 : m->line_taxes_minor);
    return written;
}

static bool write_return(struct poslog_maker *m)
{
    m->w = jsonw_to(&m->order->body);
    return poslog_write_return(m);
}

bool poslog_make_exchange(struct poslog_maker *m)
{
    if (!poslog_take_tenders(m) || !write_sale(m) || !write_return(m))
        return false;
    m->order->taken_minor = taken_in(m->order);
    return m->order->taken_minor == 0 || m->order->paid_total_minor == 0 ||
           poslog_refuse(m, "unsupported", "Tender",
                         "money came in and was paid back in one exchange");
}

/* --- As capture is asked for it ---------------------------------------------------------------
 */

/*
 * How the new goods were paid: what the refund pays of them keeps the tenders that it would have
 * gone back on, so that a later return of them goes back on the same; and what came in besides.
 */
static size_t pay_sale(const struct poslog_order *order, const struct cJSON *alone,
                       struct poslog_tender list[static 2 * POSLOG_TENDERS_MAX])
{
    size_t count = 0;
    int64_t left = order->sale_minor - order->taken_minor;
    const struct cJSON *one = json_first(json_member(json_member(alone, "refund"), "tenders"));
    for (; one && count + 1 < POSLOG_TENDERS_MAX; one = json_next(one)) {
        int64_t most = json_member_int(one, "amount", 0);
        const char *reference = json_member_text(one, "reference");
        const char *word = json_member_text(one, "type");
        int type = word ? word_find(tender_words, word) : -1;
        if (type < 0 || type == TENDER_ROUNDING || most <= 0 || left <= 0)
            continue;
        list[count++] =
            (struct poslog_tender){type, left < most ? left : most, reference ? reference : ""};
        left -= list[count - 1].amount_minor;
    }
    if (left > 0)
        list[count++] = (struct poslog_tender){TENDER_STORE_CREDIT, left, ""};
    for (size_t i = 0; i < order->tender_count; i++)
        list[count++] = order->tenders[i];
    return count;
}

void poslog_write_exchange(const struct poslog_order *order, const struct cJSON *alone,
                           struct buf *body)
{
    struct poslog_tender paid[2 * POSLOG_TENDERS_MAX];
    struct buf sale CLEANUP(buf_free);
    buf_init(&sale, EVENT_BODY_MAX);
    buf_append(&sale, order->sale.data, order->sale.len);
    struct jsonw end = order->sale_end;
    end.out = &sale;
    poslog_write_tenders(&end, paid, pay_sale(order, alone, paid));
    jsonw_end(&end);
    struct jsonw w = jsonw_to(body);
    jsonw_object(&w, NULL);
    jsonw_raw(&w, "return", buf_slice(&order->body));
    jsonw_raw(&w, "sale", buf_slice(&sale));
    jsonw_end(&w);
}
