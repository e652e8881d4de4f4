#include "agent/views/return_state.h"
#include "agent/returns/words.h"
#include "hal/base/json.h"

#include <stdio.h>
#include <string.h>

static void keep_text(char *to, size_t size, const char *text)
{
    (void)snprintf(to, size, "%s", text ? text : "");
}

static uint8_t word_or_none(const char *const *words, const char *text)
{
    int found = text ? word_find(words, text) : -1;
    return found < 0 ? 0 : (uint8_t)found;
}

/* A rounding tender is never paid out, so it has no track; cash is never seen in a settlement. */
static void count_tenders(struct tracks *tracks, const struct cJSON *refund)
{
    const struct cJSON *tender = refund ? json_first(json_member(refund, "tenders")) : NULL;
    for (; tender && tracks->tender_count < TRACKS_TENDERS_MAX; tender = json_next(tender)) {
        int type = word_or_none(tender_words, json_member_text(tender, "type"));
        if (type == TENDER_ROUNDING)
            continue;
        if (type != TENDER_CASH)
            tracks->settles |= UINT64_C(1) << tracks->tender_count;
        tracks->tenders[tracks->tender_count++] = TENDER_STATE_PENDING;
    }
}

static enum err create(struct return_state *state, const struct eventlog_record *record,
                       const struct cJSON *data, struct fault *fault)
{
    const char *decision = json_member_text(data, "decision");
    int verdict = decision ? word_find(verdict_words, decision) : -1;
    if (verdict < 0)
        return fault_set(fault, ERR_INVALID, "decision", "is missing or unknown");
    *state = (struct return_state){
        .id = record->event.correlation,
        .created_ms = record->event.time_ms,
        .created_seq = record->seq,
    };
    keep_text(state->number, sizeof state->number, json_member_text(data, "number"));
    keep_text(state->store, sizeof state->store, json_member_text(data, "store"));
    keep_text(state->receipt, sizeof state->receipt, json_member_text(data, "receipt"));
    keep_text(state->person, sizeof state->person, json_member_text(data, "person"));
    keep_text(state->customer, sizeof state->customer, json_member_text(data, "customer"));
    state->total_minor = json_member_int(json_member(data, "refund"), "total", 0);
    const char *sale = json_member_text(data, "sale_id");
    state->has_sale = sale && id_parse(slice_of(sale), &state->sale) == ERR_OK;
    state->tracks.verdict = (uint8_t)verdict;
    state->tracks.goods = word_or_none(goods_words, json_member_text(data, "goods"));
    state->tracks.money = word_or_none(money_words, json_member_text(data, "money"));
    count_tenders(&state->tracks, json_member(data, "refund"));
    return ERR_OK;
}

/* The tender an event speaks of, by its position in the plan. */
static size_t position_of(const struct cJSON *data)
{
    int64_t position = json_member_int(data, "position", 0);
    return position < 0 ? 0 : (size_t)position;
}

struct transition {
    enum event_type type;
    enum command command;
};

static const struct transition transitions[] = {
    {EVENT_RETURN_APPROVED, COMMAND_APPROVE},   {EVENT_RETURN_DECLINED, COMMAND_DECLINE},
    {EVENT_ITEM_RECEIVED, COMMAND_RECEIVE},     {EVENT_ITEM_DISPOSITIONED, COMMAND_DISPOSE},
    {EVENT_REFUND_ISSUED, COMMAND_ISSUE},       {EVENT_REFUND_FAILED, COMMAND_FAIL},
    {EVENT_REFUND_SETTLED, COMMAND_SETTLE},     {EVENT_RETURN_VOIDED, COMMAND_VOID},
    {EVENT_RETURN_COMPLETED, COMMAND_COMPLETE}, {EVENT_JOURNAL_POSTED, COMMAND_POST},
    {EVENT_JOURNAL_PARKED, COMMAND_PARK},
};

static bool command_of(const struct eventlog_record *record, const struct cJSON *data,
                       enum command *command)
{
    if (record->event.type == EVENT_RETURN_CHECKED) {
        const char *result = json_member_text(data, "result");
        *command =
            result && strcmp(result, "passed") == 0 ? COMMAND_CHECK_PASS : COMMAND_CHECK_FAIL;
        return true;
    }
    if (record->event.type == EVENT_RETURN_DISPUTED) {
        const char *stage = json_member_text(data, "stage");
        if (stage && strcmp(stage, "fee") == 0)
            return false;
        *command = stage && strcmp(stage, "won") == 0    ? COMMAND_WIN
                   : stage && strcmp(stage, "lost") == 0 ? COMMAND_LOSE
                                                         : COMMAND_DISPUTE;
        return true;
    }
    for (size_t i = 0; i < sizeof transitions / sizeof *transitions; i++)
        if (transitions[i].type == record->event.type) {
            *command = transitions[i].command;
            return true;
        }
    return false;
}

/* What a manager allowed was decided anew: the approval says where it starts from. */
static void adopt(struct tracks *tracks, const struct cJSON *data)
{
    const char *decision = json_member_text(data, "decision");
    int verdict = decision ? word_find(verdict_words, decision) : -1;
    if (verdict >= 0)
        tracks->verdict = (uint8_t)verdict;
    tracks->goods = word_or_none(goods_words, json_member_text(data, "goods"));
}

static enum err move(struct return_state *state, const struct eventlog_record *record,
                     const struct cJSON *data, struct fault *fault)
{
    enum command command;
    if (!command_of(record, data, &command))
        return ERR_OK;
    /* The track of goods moves with the last of them. */
    if ((command == COMMAND_RECEIVE || command == COMMAND_DISPOSE) &&
        json_member_int(data, "rest", 0) > 0)
        return ERR_OK;
    /* Goods that were in hand are received as the return is created; the event says so again. */
    if (command == COMMAND_RECEIVE && state->tracks.goods == GOODS_RECEIVED)
        return ERR_OK;
    struct tracks_refusal refusal;
    if (tracks_apply(&state->tracks, command, position_of(data), &refusal) != ERR_OK)
        return fault_set(fault, ERR_CONFLICT, refusal.code, "%s", refusal.text);
    if (command == COMMAND_APPROVE)
        adopt(&state->tracks, data);
    return ERR_OK;
}

enum err return_state_apply(struct return_state *state, const struct eventlog_record *record,
                            const struct cJSON *data, struct fault *fault)
{
    enum err err = record->event.type == EVENT_RETURN_CREATED ? create(state, record, data, fault)
                                                              : move(state, record, data, fault);
    if (err)
        return err;
    state->updated_ms = record->event.time_ms;
    if (record->stream != STREAM_CENTRE)
        state->sequence = record->event.sequence;
    return ERR_OK;
}

bool return_state_is_of(const struct return_state *state, const char *store)
{
    return !state->store[0] || strcmp(state->store, store) == 0;
}

bool return_state_live(const struct return_state *state)
{
    return state->tracks.verdict == VERDICT_ACCEPTED ||
           state->tracks.verdict == VERDICT_PENDING_CHECK;
}
