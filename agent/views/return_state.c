#include "agent/views/return_state.h"
#include "agent/returns/fields.h"
#include "agent/returns/words.h"
#include "hal/base/cleanup.h"
#include "hal/base/json_scan.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define CENTRE "centre"

static_assert((int)RECEIPT_MAX >= (int)FIELD_NAME_MAX, "a receipt has room");
static_assert((int)RETURN_PARTY_MAX >= (int)FIELD_NAME_MAX, "a customer has room");

enum { WORD_MAX = 64, ARENA_MAX_BYTES = EVENT_BODY_MAX };

/* "" for what is no text, or none. Cut where there is no room for more. */
static void keep_text(char *to, size_t size, struct slice value)
{
    struct arena arena CLEANUP(arena_free); /* only escapes need it */
    struct slice text = {"", 0};
    arena_init(&arena, ARENA_MAX_BYTES);
    (void)!json_scan_text(value, &arena, &text);
    slice_copy(text, to, size);
}

/* -1 when it is none of them. */
static int word_of(const char *const *words, struct slice value)
{
    char text[WORD_MAX + 1];
    keep_text(text, sizeof text, value);
    return text[0] ? word_find(words, text) : -1;
}

static uint8_t word_or_none(const char *const *words, struct slice value)
{
    int found = word_of(words, value);
    return found < 0 ? 0 : (uint8_t)found;
}

static int64_t number_of(struct slice value)
{
    int64_t number = 0;
    (void)!json_scan_int(value, &number);
    return number;
}

/* A rounding tender is never paid out, so it has no track; cash is never seen in a settlement. */
static void count_tender(struct tracks *tracks, struct slice tender)
{
    static const char *const names[] = {"type"};
    struct slice type;
    if (json_scan_members(tender, JSON_LIMITS_CHECKED, names, 1, &type, NULL) != ERR_OK)
        return;
    int word = word_or_none(tender_words, type);
    if (word == TENDER_ROUNDING)
        return;
    if (word != TENDER_CASH)
        tracks->settles |= UINT64_C(1) << tracks->tender_count;
    tracks->tenders[tracks->tender_count++] = TENDER_STATE_PENDING;
}

static void count_tenders(struct tracks *tracks, struct slice tenders)
{
    struct json_scan scan;
    struct json_part part;
    bool found = true;
    if (!tenders.data || json_scan_begin(&scan, tenders, JSON_LIMITS_CHECKED, '[', NULL) != ERR_OK)
        return;
    while (tracks->tender_count < TRACKS_TENDERS_MAX &&
           json_scan_next(&scan, &part, &found, NULL) == ERR_OK && found)
        count_tender(tracks, part.value);
}

static void read_refund(struct return_state *state, struct slice refund)
{
    static const char *const names[] = {"total", "tenders"};
    struct slice values[2];
    if (!refund.data ||
        json_scan_members(refund, JSON_LIMITS_CHECKED, names, 2, values, NULL) != ERR_OK)
        return;
    state->total_minor = number_of(values[0]);
    count_tenders(&state->tracks, values[1]);
}

enum {
    DECISION,
    GOODS,
    MONEY,
    NUMBER,
    STORE,
    RECEIPT,
    PERSON,
    CUSTOMER,
    SALE,
    REFUND,
    LINES,
    AUTHORISATION,
    CREATED
};

static enum err create(struct return_state *state, struct return_given *given,
                       const struct eventlog_record *record, struct fault *fault)
{
    static const char *const names[CREATED] = {"decision", "goods",   "money",  "number",
                                               "store",    "receipt", "person", "customer",
                                               "sale_id",  "refund",  "lines",  "authorisation"};
    struct slice data[CREATED];
    enum err err =
        json_scan_members(record->event.data, JSON_LIMITS_CHECKED, names, CREATED, data, fault);
    if (err)
        return err;
    int verdict = word_of(verdict_words, data[DECISION]);
    if (verdict < 0)
        return fault_set(fault, ERR_INVALID, "decision", "is missing or unknown");
    *state = (struct return_state){
        .id = record->event.correlation,
        .created_ms = record->event.time_ms,
        .created_seq = record->seq,
    };
    keep_text(state->number, sizeof state->number, data[NUMBER]);
    if (slice_is(record->event.source, "/centre"))
        (void)snprintf(state->store, sizeof state->store, CENTRE);
    else
        keep_text(state->store, sizeof state->store, data[STORE]);
    keep_text(state->receipt, sizeof state->receipt, data[RECEIPT]);
    keep_text(state->person, sizeof state->person, data[PERSON]);
    keep_text(state->customer, sizeof state->customer, data[CUSTOMER]);
    char sale[ID_TEXT + 2];
    keep_text(sale, sizeof sale, data[SALE]);
    state->has_sale = id_parse(slice_of(sale), &state->sale) == ERR_OK;
    state->tracks.verdict = (uint8_t)verdict;
    state->tracks.goods = word_or_none(goods_words, data[GOODS]);
    state->tracks.money = word_or_none(money_words, data[MONEY]);
    read_refund(state, data[REFUND]);
    *given = (struct return_given){data[LINES], data[REFUND], data[AUTHORISATION]};
    return ERR_OK;
}

/* What events after the first say of the tracks. */
enum { RESULT = MONEY, STAGE, REST, POSITION, OTHERS_PARKED, MOVED };

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
    {EVENT_JOURNAL_PARKED, COMMAND_PARK},       {EVENT_RETURN_CHECKED, COMMAND_CHECK_FAIL},
    {EVENT_RETURN_DISPUTED, COMMAND_DISPUTE},
};

static enum command disputed(struct slice stage)
{
    if (slice_is(stage, "\"won\""))
        return COMMAND_WIN;
    return slice_is(stage, "\"lost\"") ? COMMAND_LOSE : COMMAND_DISPUTE;
}

/* False for an event that moves nothing; its data is then not looked at. */
static bool moves(enum event_type type, enum command *command)
{
    for (size_t i = 0; i < sizeof transitions / sizeof *transitions; i++)
        if (transitions[i].type == type) {
            *command = transitions[i].command;
            return true;
        }
    return false;
}

/* What a manager allowed was decided anew: the approval says where it starts from. */
static void adopt(struct tracks *tracks, const struct slice *data)
{
    int verdict = word_of(verdict_words, data[DECISION]);
    if (verdict >= 0)
        tracks->verdict = (uint8_t)verdict;
    tracks->goods = word_or_none(goods_words, data[GOODS]);
}

static enum err apply(struct return_state *state, enum command command, const struct slice *data,
                      struct fault *fault)
{
    /* The track of goods moves with the last of them. */
    if ((command == COMMAND_RECEIVE || command == COMMAND_DISPOSE) && number_of(data[REST]) > 0)
        return ERR_OK;
    /* Goods that were in hand are received as the return is created; the event says so again. */
    if (command == COMMAND_RECEIVE && state->tracks.goods == GOODS_RECEIVED)
        return ERR_OK;
    int64_t position = number_of(data[POSITION]); /* the tender's, in the plan */
    struct tracks_refusal refusal;
    if (tracks_apply(&state->tracks, command, position < 0 ? 0 : (size_t)position, &refusal) !=
        ERR_OK)
        return fault_set(fault, ERR_CONFLICT, refusal.code, "%s", refusal.text);
    if (command == COMMAND_APPROVE)
        adopt(&state->tracks, data);
    return ERR_OK;
}

static enum err move(struct return_state *state, const struct eventlog_record *record,
                     struct fault *fault)
{
    static const char *const names[MOVED] = {"decision", "goods",    "result", "stage",
                                             "rest",     "position", "parked"};
    struct slice data[MOVED];
    enum command command;
    if (!moves(record->event.type, &command))
        return ERR_OK;
    enum err err =
        json_scan_members(record->event.data, JSON_LIMITS_CHECKED, names, MOVED, data, fault);
    if (err)
        return err;
    if (record->event.type == EVENT_RETURN_DISPUTED && slice_is(data[STAGE], "\"fee\""))
        return ERR_OK;
    if (record->event.type == EVENT_RETURN_DISPUTED)
        command = disputed(data[STAGE]);
    if (record->event.type == EVENT_RETURN_CHECKED && slice_is(data[RESULT], "\"passed\""))
        command = COMMAND_CHECK_PASS;
    if (record->event.type == EVENT_JOURNAL_POSTED && slice_is(data[OTHERS_PARKED], "true"))
        command = COMMAND_PARK;
    return apply(state, command, data, fault);
}

static void note_event(struct return_state *state, const struct eventlog_record *record)
{
    state->updated_ms = record->event.time_ms;
    if (record->stream != STREAM_CENTRE)
        state->sequence = record->event.sequence;
}

enum err return_state_create(struct return_state *state, struct return_given *given,
                             const struct eventlog_record *record, struct fault *fault)
{
    enum err err = create(state, given, record, fault);
    if (!err)
        note_event(state, record);
    return err;
}

enum err return_state_apply(struct return_state *state, const struct eventlog_record *record,
                            struct fault *fault)
{
    struct return_given unused;
    if (record->event.type == EVENT_RETURN_CREATED)
        return return_state_create(state, &unused, record, fault);
    enum err err = move(state, record, fault);
    if (!err)
        note_event(state, record);
    return err;
}

bool return_state_is_of(const struct return_state *state, const char *store)
{
    return !state->store[0] || strcmp(state->store, store) == 0;
}

bool return_state_is_of_centre(const struct return_state *state)
{
    return strcmp(state->store, CENTRE) == 0;
}

bool return_state_live(const struct return_state *state)
{
    return state->tracks.verdict == VERDICT_ACCEPTED ||
           state->tracks.verdict == VERDICT_PENDING_CHECK;
}
