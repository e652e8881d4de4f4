/*
 * An exchange: a return and a new sale in one transaction, linked. What the refund pays of the new
 * goods is not paid out. A return that isn't accepted at once is saved as it is, without the sale:
 * goods that leave the store can't wait for a check.
 */
#include "agent/returns/exchange.h"
#include "agent/capture/return.h"
#include "agent/capture/sale.h"
#include "agent/views/return_answer.h"
#include "hal/base/cleanup.h"

#include <stddef.h>

struct exchange_input {
    const struct cJSON *return_doc;
    const struct cJSON *sale_doc;
    struct return_request *request;
    struct sale sale;
};

static const struct json_field fields[] = {
    {.name = "return", .kind = JSON_ANY, .offset = offsetof(struct exchange_input, return_doc)},
    {.name = "sale", .kind = JSON_ANY, .offset = offsetof(struct exchange_input, sale_doc)},
};
static const struct json_table table = {fields, sizeof fields / sizeof *fields,
                                        sizeof(struct exchange_input), false};

static enum err within(enum err err, struct fault *fault, const char *head)
{
    if (err)
        fault_within(fault, head);
    return err;
}

static enum err read(struct capture_job *job, struct fault *fault)
{
    struct exchange_input *input = arena_alloc(&job->arena, 1, sizeof *input);
    if (!input)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    job->input = input;
    enum err err = json_read(job->doc, &table, input, &job->arena, fault);
    if (!err)
        err = within(return_read(input->return_doc, job->capture->config.known, &job->arena,
                                 &input->request, fault),
                     fault, "return");
    if (!err)
        err = within(sale_read(input->sale_doc, job->capture->config.known, &job->arena,
                               &input->sale, fault),
                     fault, "sale");
    return err;
}

/* --- The link ----------------------------------------------------------------------------------
 */

static void write_taxes(struct jsonw *w, const struct exchange *exchange)
{
    jsonw_array(w, "tax");
    for (size_t i = 0; i < exchange->tax_count; i++) {
        const struct exchange_tax *tax = &exchange->taxes[i];
        if (tax->charged_minor == 0)
            continue;
        jsonw_object(w, NULL);
        jsonw_text(w, "type", tax_words[tax->at->type]);
        jsonw_text(w, "class", tax_class_words[tax->at->class]);
        jsonw_text(w, "jurisdiction", tax->at->jurisdiction);
        jsonw_text(w, "rate", tax->at->rate);
        jsonw_int(w, "amount", tax->charged_minor);
        jsonw_end(w);
    }
    jsonw_end(w);
}

static void write_link(struct buf *out, const struct release *release,
                       const struct question *question, const struct id *sale_id,
                       const struct exchange *exchange)
{
    const struct exchange_input *input = release->job->input;
    const struct sale *sale = &input->sale;
    int64_t tax_minor = 0;
    for (size_t i = 0; i < sale->line_count; i++)
        tax_minor += sale->lines[i].tax_minor;
    char id[ID_TEXT + 1];
    char day[BUSINESS_DATE_TEXT + 1];
    id_format(sale_id, id);
    business_date(day, &question->facts);
    struct jsonw w = jsonw_to(out);
    jsonw_object(&w, NULL);
    jsonw_text(&w, "business_date", day);
    jsonw_text(&w, "lane", release->job->actor.lane);
    jsonw_text(&w, "person", release->job->actor.person);
    jsonw_int(&w, "applied", exchange->applied_minor);
    jsonw_text(&w, "sale_id", id);
    jsonw_text(&w, "receipt", sale->receipt);
    jsonw_object(&w, "sale");
    jsonw_int(&w, "net", sale->gross_minor - tax_minor);
    write_taxes(&w, exchange);
    jsonw_int(&w, "gross", sale->gross_minor);
    jsonw_end(&w);
    jsonw_end(&w);
}

static enum err link_sale(struct release *release, const struct question *question,
                          struct fault *fault)
{
    const struct exchange_input *input = release->job->input;
    struct exchange exchange;
    enum err err =
        exchange_settle(&question->decision, &input->sale, &release->job->arena, &exchange, fault);
    if (err)
        return within(err, fault, "sale");
    struct sale_draft draft = {&input->sale, input->sale_doc};
    struct id sale_id;
    int64_t seq = 0;
    bool known = false;
    err = sale_record(release->job, release->txn, &draft, &sale_id, &seq, &known, fault);
    if (!err && known)
        err = fault_set(fault, ERR_CONFLICT, "receipt",
                        "receipt %s is already recorded: an exchange records its own sale",
                        input->sale.receipt);
    if (err)
        return within(err, fault, "sale");
    struct buf data CLEANUP(buf_free);
    buf_init(&data, EVENT_BODY_MAX);
    write_link(&data, release, question, &sale_id, &exchange);
    err = buf_check(&data, fault, "exchange");
    return err ? err : release_append(release, EVENT_EXCHANGE_LINKED, buf_slice(&data), fault);
}

/* --- The answer: written from the events, so that a repeated command gets the same words --------
 */

struct halves {
    const struct id *first;
    struct cJSON *created;
    struct cJSON *linked;
};

static void halves_cleanup(struct halves *halves)
{
    json_free(halves->created);
    json_free(halves->linked);
}

static enum err take(void *context, const struct eventlog_record *record, struct fault *fault)
{
    struct halves *halves = context;
    const struct event *event = &record->event;
    if (id_equal(&event->id, halves->first) && !halves->created)
        return json_parse(event->data, JSON_LIMITS_DEFAULT, &halves->created, fault);
    if (event->type == EVENT_EXCHANGE_LINKED && event->has_causation &&
        id_equal(&event->causation, halves->first) && !halves->linked)
        return json_parse(event->data, JSON_LIMITS_DEFAULT, &halves->linked, fault);
    return ERR_OK;
}

static int64_t sum_taxes(const struct cJSON *list)
{
    int64_t sum = 0;
    for (const struct cJSON *tax = json_first(list); tax; tax = json_next(tax))
        sum += json_member_int(tax, "amount", 0);
    return sum;
}

static int64_t tax_reversed(const struct cJSON *created)
{
    int64_t sum = 0;
    const struct cJSON *line = json_first(json_member(created, "lines"));
    for (; line; line = json_next(line))
        sum += sum_taxes(json_member(line, "tax"));
    return sum;
}

static void write_exchange(struct jsonw *w, const struct halves *halves)
{
    const struct cJSON *sale = json_member(halves->linked, "sale");
    const struct cJSON *refund = json_member(halves->created, "refund");
    int64_t charged = sum_taxes(json_member(sale, "tax"));
    int64_t reversed = tax_reversed(halves->created);
    jsonw_object(w, "exchange");
    jsonw_text(w, "currency", json_member_text(refund, "currency"));
    jsonw_int(w, "applied", json_member_int(halves->linked, "applied", 0));
    jsonw_int(w, "due", json_member_int(sale, "gross", 0) - json_member_int(refund, "total", 0));
    jsonw_int(w, "tax_charged", charged);
    jsonw_int(w, "tax_reversed", reversed);
    jsonw_int(w, "tax_difference", charged - reversed);
    jsonw_end(w);
}

static enum err write_sale(struct jsonw *w, const struct views *views, const char *text,
                           struct fault *fault)
{
    struct arena arena CLEANUP(arena_free);
    arena_init(&arena, JSON_LIMITS_DEFAULT.bytes * 8);
    struct sale_found found CLEANUP(sale_found_cleanup) = {0};
    struct id id;
    if (!text || id_parse(slice_of(text), &id) != ERR_OK)
        return fault_set(fault, ERR_CORRUPT, "exchange", "its link names no sale");
    enum err err = sale_view_load(views, &id, &arena, &found, fault);
    if (err)
        return err;
    jsonw_object(w, "sale");
    jsonw_text(w, "sale_id", text);
    jsonw_int(w, "seq", found.seq);
    jsonw_end(w);
    return ERR_OK;
}

static enum err write_answer(struct capture_job *job, const struct views *views,
                             const struct id *id, const struct id *first, struct fault *fault)
{
    struct halves halves CLEANUP(halves_cleanup) = {.first = first};
    struct buf returned CLEANUP(buf_free);
    buf_init(&returned, EVENT_BODY_MAX);
    struct return_answer how = {.after = first};
    enum err err = return_answer_write(views, id, &how, &returned, fault);
    if (!err)
        err = views_history(views, id, take, &halves, fault);
    if (err)
        return err;
    struct jsonw w = jsonw_to(&job->answer);
    jsonw_object(&w, NULL);
    jsonw_raw(&w, "return", buf_slice(&returned));
    if (halves.linked) {
        err = write_sale(&w, views, json_member_text(halves.linked, "sale_id"), fault);
        write_exchange(&w, &halves);
    } else {
        jsonw_null(&w, "sale");
        jsonw_null(&w, "exchange");
    }
    jsonw_end(&w);
    return err;
}

/* --- The command -------------------------------------------------------------------------------
 */

static enum err save(struct capture_job *job, struct eventlog_txn *txn,
                     const struct question *question, bool linked, struct release *release,
                     struct fault *fault)
{
    const struct exchange_input *input = job->input;
    enum err err = return_save(job, txn, question, input->return_doc, release, fault);
    if (!err && linked)
        err = link_sale(release, question, fault);
    return err;
}

static enum err decide(struct capture_job *job, struct eventlog_txn *txn, struct fault *fault)
{
    const struct exchange_input *input = job->input;
    struct views views = views_of_txn(txn);
    struct question linked CLEANUP(question_cleanup) = {0};
    struct question alone CLEANUP(question_cleanup) = {0};
    struct question *question = &linked;
    struct question_asked asked = {
        .store = &job->capture->config,
        .actor = &job->actor,
        .request = input->request,
        .exchange_minor = input->sale.gross_minor,
        .now = eventlog_txn_now(txn),
    };
    enum err err = reservation_check(job->capture, &views, input->request->receipt, fault);
    if (!err)
        err = question_decide(&views, &asked, &job->arena, &linked, fault);
    if (!err && linked.decision.outcome != OUTCOME_ACCEPTED) {
        asked.exchange_minor = 0;
        question = &alone;
        err = question_decide(&views, &asked, &job->arena, &alone, fault);
    }
    if (err)
        return within(err, fault, "return");
    struct release release;
    err = save(job, txn, question, question == &linked, &release, fault);
    return err ? err : write_answer(job, &views, &release.id, &release.first, fault);
}

static enum err replay(struct capture_job *job, struct eventlog_txn *txn,
                       const struct eventlog_record *first, struct fault *fault)
{
    struct views views = views_of_txn(txn);
    return write_answer(job, &views, &first->event.correlation, &first->event.id, fault);
}

const struct capture_work capture_exchange_work = {
    .read = read, .decide = decide, .replay = replay};
