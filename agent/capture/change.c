#include "agent/capture/change.h"
#include "agent/capture/exception.h"
#include "agent/capture/job.h"
#include "agent/capture/question.h"
#include "agent/views/return_answer.h"
#include "hal/base/cleanup.h"

#include <string.h>

static enum err read(struct capture_job *job, struct fault *fault)
{
    struct change_input *input = arena_alloc(&job->arena, 1, sizeof *input);
    if (!input)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    job->input = input;
    return change_input_read(job->kind, job->doc, &job->arena, input, fault);
}

/* --- The state before, and whether the tables take the command ------------------------------- */

static enum err take_event(void *context, const struct eventlog_record *record, struct fault *fault)
{
    struct change *change = context;
    if (record->event.type == EVENT_EXCHANGE_LINKED)
        change->exchanged = true;
    if (change->created || record->event.type != EVENT_RETURN_CREATED)
        return goods_count_event(&change->goods, record, fault);
    enum err err = json_parse(record->event.data, JSON_LIMITS_DEFAULT, &change->created, fault);
    return err ? err
               : goods_count_begin(&change->goods, change->created, &change->job->arena, fault);
}

static enum err load(struct change *change, const struct id *id, struct fault *fault)
{
    enum err err = return_view_find(&change->views, id, &change->state, fault);
    if (!err && !return_state_is_of(&change->state, change->job->capture->config.store.number))
        err = fault_set(
            fault, ERR_REFUSED, "return", "%s %s captured this return: it goes on only there",
            return_state_is_of_centre(&change->state) ? "the" : "store", change->state.store);
    if (!err)
        err = views_history(&change->views, id, take_event, change, fault);
    if (!err && !change->created)
        err = fault_set(fault, ERR_NOT_FOUND, "return", "its first event is no longer kept here");
    change->release.id = *id;
    change->release.sequence = change->state.sequence;
    return err;
}

static enum err refuse(const struct tracks_refusal *refusal, struct fault *fault)
{
    struct buf words CLEANUP(buf_free);
    buf_init(&words, FAULT_TEXT_MAX);
    for (int i = 0; i < COMMAND_COUNT; i++)
        if (refusal->possible & 1U << i)
            buf_printf(&words, "%s%s", words.len ? ", " : "", command_words[i]);
    return fault_set(fault, ERR_REFUSED, refusal->code, "%s; possible now: %s", refusal->text,
                     words.len ? words.data : "nothing");
}

/* Moves the tracks as the event that follows will, or says why not. */
enum err change_move(struct change *change, enum command command, size_t position,
                     struct fault *fault)
{
    struct tracks_refusal refusal;
    if (tracks_apply(&change->state.tracks, command, position, &refusal) != ERR_OK)
        return refuse(&refusal, fault);
    return ERR_OK;
}

/* --- Writing the events ---------------------------------------------------------------------- */

struct jsonw change_data(struct change *change)
{
    buf_reset(&change->data);
    struct jsonw w = jsonw_to(&change->data);
    struct clock_reading now = eventlog_txn_now(change->release.txn);
    struct facts facts = {.now_ms = now.wall_ms,
                          .utc_offset_minutes = utc_offset_minutes(now.wall_ms)};
    char day[BUSINESS_DATE_TEXT + 1];
    business_date(day, &facts);
    jsonw_object(&w, NULL);
    jsonw_text(&w, "business_date", day);
    jsonw_text(&w, "lane", change->job->actor.lane);
    jsonw_text(&w, "person", change->job->actor.person);
    if (change->input->note && change->input->note[0])
        jsonw_text(&w, "note", change->input->note);
    return w;
}

enum err change_append(struct change *change, struct jsonw *w, enum event_type type,
                       struct fault *fault)
{
    jsonw_end(w);
    enum err err = buf_check(&change->data, fault, "event");
    return err ? err : release_append(&change->release, type, buf_slice(&change->data), fault);
}

/* --- Approve and decline --------------------------------------------------------------------- */

static enum err require_manager(const struct change *change, struct fault *fault)
{
    const struct capture_actor *actor = &change->job->actor;
    if (!actor->manager)
        return fault_set(fault, ERR_FORBIDDEN, "approval", "a manager has to do this");
    if (actor->person[0] && strcmp(actor->person, change->state.person) == 0)
        return fault_set(fault, ERR_FORBIDDEN, "approval",
                         "nobody decides about a return of their own: another manager has to");
    return ERR_OK;
}

/* The refund as JSON, to compare what the manager was shown with what holds now. */
static void refund_text(const struct question *question, const struct policy *policy,
                        struct buf *out)
{
    struct buf whole CLEANUP(buf_free);
    buf_init(&whole, EVENT_BODY_MAX);
    struct jsonw w = jsonw_to(&whole);
    jsonw_object(&w, NULL);
    decision_write(&question->decision, policy, POLICY_EN, &w);
    jsonw_end(&w);
    struct cJSON *doc CLEANUP(json_cleanup) = NULL;
    if (whole.failed || json_parse(buf_slice(&whole), JSON_LIMITS_DEFAULT, &doc, NULL) != ERR_OK)
        out->failed = true;
    else
        json_print(json_member(doc, "refund"), out);
}

static bool was_told(const struct cJSON *created, const char *code)
{
    const struct cJSON *reason = json_first(json_member(created, "reasons"));
    for (; reason; reason = json_next(reason)) {
        const char *told = json_member_text(reason, "code");
        if (told && strcmp(told, code) == 0)
            return true;
    }
    return false;
}

/* Goods of the receipt may have come back since the manager was asked: nobody could tell by amounts
 * of a sale that isn't known. */
static enum err check_history(const struct change *change, const struct question *question,
                              struct fault *fault)
{
    if (question->has_sale || !question->facts.history_uncertain ||
        was_told(change->created, "history_uncertain"))
        return ERR_OK;
    return fault_set(fault, ERR_CONFLICT, "receipt",
                     "goods of this receipt have come back since this return was asked for: look "
                     "at them, and ask for it anew");
}

static enum err check_unchanged(const struct change *change, const struct question *question,
                                struct fault *fault)
{
    struct buf then CLEANUP(buf_free);
    struct buf now CLEANUP(buf_free);
    buf_init(&then, EVENT_BODY_MAX);
    buf_init(&now, EVENT_BODY_MAX);
    json_print(json_member(change->created, "refund"), &then);
    refund_text(question, change->job->capture->config.policy, &now);
    if (then.failed || now.failed)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    if (!slice_equal(buf_slice(&then), buf_slice(&now)))
        return fault_set(fault, ERR_CONFLICT, "refund",
                         "the amounts have changed since this return was asked for, because "
                         "others of the receipt came between: ask for it anew");
    return ERR_OK;
}

static enum err check_outcome(const struct question *question, struct fault *fault)
{
    int outcome = question->decision.outcome;
    if (outcome == OUTCOME_ACCEPTED || outcome == OUTCOME_PENDING_CHECK)
        return ERR_OK;
    return fault_set(fault, ERR_REFUSED, question->decision.rule,
                     "not even a manager can allow this: it is %s", outcome_words[outcome]);
}

static enum err append_approved(struct change *change, const struct question *question,
                                struct fault *fault)
{
    struct jsonw w = change_data(change);
    jsonw_text(&w, "decision", outcome_words[question->decision.outcome]);
    jsonw_text(&w, "goods", goods_words[question->decision.tracks.goods]);
    jsonw_text(&w, "policy", question->decision.policy_version);
    enum err err = change_append(change, &w, EVENT_RETURN_APPROVED, fault);
    if (err)
        return err;
    struct return_data data = {
        .number = change->state.number,
        .store = &change->job->capture->config,
        .actor = &change->job->actor,
        .question = question,
    };
    return release_accepted(&change->release, &data, fault);
}

/* Decides the very same request again, with the manager behind it, on what holds now. */
static enum err approve(struct change *change, struct fault *fault)
{
    enum err err = require_manager(change, fault);
    if (!err && change->input->has_total && change->input->total_minor != change->state.total_minor)
        err = fault_set(fault, ERR_CONFLICT, "total",
                        "the manager was shown another amount than this return's");
    if (!err)
        err = change_move(change, COMMAND_APPROVE, 0, fault);
    if (!err)
        err = reservation_check(change->job->capture, &change->views, change->state.receipt, fault);
    if (err)
        return err;
    struct return_request request = {0};
    err = return_request_read(json_member(change->created, "request"), &cardnumber_checked_before,
                              &change->job->arena, &request, fault);
    if (err)
        return err;
    struct question question CLEANUP(question_cleanup) = {0};
    struct question_asked asked = {
        .store = &change->job->capture->config,
        .actor = &change->job->actor,
        .request = &request,
        .except = &change->state.id,
        .now = eventlog_txn_now(change->release.txn),
    };
    err = question_decide(&change->views, &asked, &change->job->arena, &question, fault);
    if (!err)
        err = check_outcome(&question, fault);
    if (!err)
        err = check_history(change, &question, fault);
    if (!err)
        err = check_unchanged(change, &question, fault);
    return err ? err : append_approved(change, &question, fault);
}

static enum err decline(struct change *change, struct fault *fault)
{
    enum err err = require_manager(change, fault);
    if (!err)
        err = change_move(change, COMMAND_DECLINE, 0, fault);
    if (err)
        return err;
    struct jsonw w = change_data(change);
    return change_append(change, &w, EVENT_RETURN_DECLINED, fault);
}

/* --- Money ----------------------------------------------------------------------------------- */

/* The plan's tender at a position among those that are paid out. */
static const struct cJSON *planned(const struct change *change, size_t position)
{
    const struct cJSON *tender =
        json_first(json_member(json_member(change->created, "refund"), "tenders"));
    for (; tender; tender = json_next(tender)) {
        const char *type = json_member_text(tender, "type");
        if (type && word_find(tender_words, type) == TENDER_ROUNDING)
            continue;
        if (position-- == 0)
            return tender;
    }
    return NULL;
}

/* Who pays a tender out was fixed when the return was accepted; nobody else may. */
static bool ours(const struct cJSON *plan)
{
    const char *executor = json_member_text(plan, "executor");
    int found = executor ? word_find(executor_words, executor) : -1;
    return found == EXECUTOR_TILL || found == EXECUTOR_TERMINAL;
}

static enum err find_tender(const struct change *change, const struct change_tender *tender,
                            size_t *position, struct fault *fault)
{
    for (size_t i = 0; i < change->state.tracks.tender_count; i++) {
        const struct cJSON *plan = planned(change, i);
        bool wanted = tender->has_position ? (size_t)tender->position == i
                                           : json_member_int(plan, "tender", -1) == tender->tender;
        if (plan && wanted) {
            *position = i;
            return ERR_OK;
        }
    }
    return fault_set(fault, ERR_INVALID, "tenders", "this return has no such tender");
}

static enum err check_tender(const struct change_tender *tender, const struct cJSON *plan,
                             int state, struct fault *fault)
{
    if (!ours(plan))
        return fault_set(fault, ERR_REFUSED, "tenders.executor",
                         "this tender is paid out by the hub, and by nobody else");
    if (tender->failed && state != TENDER_STATE_PENDING && state != TENDER_STATE_FAILED)
        return fault_set(fault, ERR_REFUSED, "tenders.failed",
                         "this tender was paid out; only the centre can say that it came back");
    if (tender->has_amount && tender->amount_minor != json_member_int(plan, "amount", 0))
        return fault_set(fault, ERR_INVALID, "tenders.amount",
                         "must be the planned %lld: a tender is paid out whole",
                         (long long)json_member_int(plan, "amount", 0));
    return ERR_OK;
}

static enum err pay_out(struct change *change, const struct change_tender *tender, size_t position,
                        struct fault *fault)
{
    const struct cJSON *plan = planned(change, position);
    enum err err = check_tender(tender, plan, change->state.tracks.tenders[position], fault);
    if (!err)
        err = change_move(change, tender->failed ? COMMAND_FAIL : COMMAND_ISSUE, position, fault);
    if (err)
        return err;
    struct jsonw w = change_data(change);
    jsonw_int(&w, "position", (int64_t)position);
    jsonw_int(&w, "tender", json_member_int(plan, "tender", 0));
    jsonw_text(&w, "type", json_member_text(plan, "type"));
    jsonw_int(&w, "amount", json_member_int(plan, "amount", 0));
    if (json_member_int(plan, "cash_rounding", 0))
        jsonw_int(&w, "rounding", json_member_int(plan, "cash_rounding", 0));
    if (json_member(plan, "paid_out"))
        jsonw_int(&w, "paid", json_member_int(plan, "paid_out", 0));
    if (tender->reference)
        jsonw_text(&w, "reference", tender->reference);
    if (tender->failed)
        jsonw_text(&w, "failed", tender->failed);
    return change_append(change, &w, tender->failed ? EVENT_REFUND_FAILED : EVENT_REFUND_ISSUED,
                         fault);
}

/* As planned: everything that is still to be paid out here. */
static enum err pay_out_all(struct change *change, struct fault *fault)
{
    bool any = false;
    enum err err = ERR_OK;
    for (size_t i = 0; i < change->state.tracks.tender_count && !err; i++) {
        int state = change->state.tracks.tenders[i];
        if (!ours(planned(change, i)) ||
            (state != TENDER_STATE_PENDING && state != TENDER_STATE_FAILED))
            continue;
        any = true;
        err = pay_out(change, &(struct change_tender){0}, i, fault);
    }
    if (!err && !any)
        err = fault_set(fault, ERR_REFUSED, "nothing_to_pay_out",
                        "nothing is left to be paid out here");
    return err;
}

static enum err refund(struct change *change, struct fault *fault)
{
    if (change->input->tender_count == 0)
        return pay_out_all(change, fault);
    enum err err = ERR_OK;
    for (size_t i = 0; i < change->input->tender_count && !err; i++) {
        size_t position = 0;
        err = find_tender(change, &change->input->tenders[i], &position, fault);
        if (!err)
            err = pay_out(change, &change->input->tenders[i], position, fault);
    }
    return err;
}

/* What the hub was asked to pay out may be on its way: only its answer could take that back. */
static enum err check_voidable(const struct change *change, struct fault *fault)
{
    if (change->exchanged)
        return fault_set(fault, ERR_REFUSED, "exchanged",
                         "the refund paid for a new sale: take that back as a return of its own");
    if (change->state.tracks.verdict != VERDICT_ACCEPTED)
        return ERR_OK;
    for (size_t i = 0; i < change->state.tracks.tender_count; i++)
        if (!ours(planned(change, i)))
            return fault_set(fault, ERR_REFUSED, "refund_requested",
                             "the centre was asked to pay this out and may have done so");
    return ERR_OK;
}

static enum err take_back(struct change *change, struct fault *fault)
{
    enum err err = check_voidable(change, fault);
    if (!err)
        err = change_move(change, COMMAND_VOID, 0, fault);
    if (err)
        return err;
    struct jsonw w = change_data(change);
    return change_append(change, &w, EVENT_RETURN_VOIDED, fault);
}

static enum err check_dispute(const struct change *change, const struct cJSON *plan,
                              struct fault *fault)
{
    const struct change_input *input = change->input;
    int state = change->state.tracks.tenders[input->position];
    if (input->fee_minor && state != TENDER_STATE_DISPUTED && input->stage != 0)
        return fault_set(fault, ERR_REFUSED, "not_disputed", "this tender is not disputed");
    if (input->has_amount && input->amount_minor > json_member_int(plan, "amount", 0))
        return fault_set(fault, ERR_INVALID, "amount", "more than the %lld of this tender",
                         (long long)json_member_int(plan, "amount", 0));
    return ERR_OK;
}

static enum err dispute(struct change *change, struct fault *fault)
{
    static const enum command commands[] = {COMMAND_DISPUTE, COMMAND_COUNT, COMMAND_LOSE,
                                            COMMAND_WIN};
    const struct change_input *input = change->input;
    const struct cJSON *plan = planned(change, (size_t)input->position);
    if (!plan)
        return fault_set(fault, ERR_INVALID, "position", "this return has no such tender");
    enum err err = check_dispute(change, plan, fault);
    if (!err && commands[input->stage] != COMMAND_COUNT) /* a fee moves nothing */
        err = change_move(change, commands[input->stage], (size_t)input->position, fault);
    if (err)
        return err;
    struct jsonw w = change_data(change);
    jsonw_text(&w, "stage", dispute_stage_words[input->stage]);
    jsonw_int(&w, "position", input->position);
    jsonw_text(&w, "type", json_member_text(plan, "type"));
    jsonw_int(&w, "amount",
              input->has_amount ? input->amount_minor : json_member_int(plan, "amount", 0));
    jsonw_int(&w, "fee", input->fee_minor);
    err = change_append(change, &w, EVENT_RETURN_DISPUTED, fault);
    if (!err && commands[input->stage] == COMMAND_DISPUTE)
        err = exception_raise(&change->release, "disputed", json_member_text(plan, "type"), fault);
    return err;
}

/* --- The command ----------------------------------------------------------------------------- */

static enum err (*const changes[CAPTURE_KIND_COUNT])(struct change *change, struct fault *fault) = {
    [CAPTURE_APPROVE] = approve,        [CAPTURE_DECLINE] = decline,
    [CAPTURE_RECEIVE] = change_receive, [CAPTURE_REFUND] = refund,
    [CAPTURE_DISPOSE] = change_dispose, [CAPTURE_VOID] = take_back,
    [CAPTURE_DISPUTE] = dispute,
};

static enum err run(struct change *change, struct fault *fault)
{
    struct capture_job *job = change->job;
    enum err err = load(change, &job->subject, fault);
    if (!err)
        err = changes[job->kind](change, fault);
    if (err)
        return err;
    struct return_answer how = {.after = &change->release.first};
    return return_answer_write(&change->views, &change->release.id, &how, &job->answer, fault);
}

static enum err decide(struct capture_job *job, struct eventlog_txn *txn, struct fault *fault)
{
    struct change change = {
        .job = job,
        .input = job->input,
        .views = views_of_txn(txn),
        .release = {.job = job, .txn = txn},
    };
    buf_init(&change.data, EVENT_BODY_MAX);
    enum err err = run(&change, fault);
    buf_free(&change.data);
    json_free(change.created);
    return err;
}

static enum err replay(struct capture_job *job, struct eventlog_txn *txn,
                       const struct eventlog_record *first, struct fault *fault)
{
    struct views views = views_of_txn(txn);
    struct return_answer how = {.after = &first->event.id};
    return return_answer_write(&views, &first->event.correlation, &how, &job->answer, fault);
}

const struct capture_work capture_change_work = {.read = read, .decide = decide, .replay = replay};
