#include "agent/views/return_answer.h"
#include "agent/returns/words.h"
#include "agent/views/return_view.h"
#include "hal/base/cleanup.h"
#include "hal/base/jsonw.h"

struct fold {
    const struct return_answer *how;
    struct return_state now;   /* after the event just read */
    struct return_state state; /* after the last event that belongs to the answer */
    struct cJSON *created;     /* the data of return.created */
    struct buf history;
    struct jsonw history_writer;
};

/* Belongs to the command that began with `after`. */
static bool belongs(const struct return_answer *how, const struct event *event)
{
    return !how->after || id_equal(&event->id, how->after) ||
           (event->has_causation && id_equal(&event->causation, how->after));
}

static void write_history(struct jsonw *w, const struct eventlog_record *record)
{
    char id[ID_TEXT + 1];
    id_format(&record->event.id, id);
    jsonw_object(w, NULL);
    jsonw_text(w, "id", id);
    jsonw_text(w, "type", event_type_name(record->event.type));
    jsonw_time(w, "time", record->event.time_ms);
    jsonw_text(w, "stream", stream_name(record->stream));
    jsonw_int(w, "seq", record->seq);
    jsonw_raw(w, "data", record->event.data);
    jsonw_end(w);
}

static enum err fold_one(void *context, const struct eventlog_record *record, struct fault *fault)
{
    struct fold *fold = context;
    struct cJSON *data CLEANUP(json_cleanup) = NULL;
    enum err err = json_parse(record->event.data, JSON_LIMITS_DEFAULT, &data, fault);
    if (err)
        return err;
    if (fold->how->with_history)
        write_history(&fold->history_writer, record);
    err = return_state_apply(&fold->now, record, data, fault);
    if (err_class(err) == ERR_CLASS_PARK)
        err = ERR_OK; /* late news changes nothing */
    if (belongs(fold->how, &record->event))
        fold->state = fold->now;
    if (record->event.type == EVENT_RETURN_CREATED && !fold->created) {
        fold->created = data;
        data = NULL;
    }
    return err;
}

/* Writes what the tracks say now over what return.created said then. */
static enum err update(struct cJSON *created, const struct return_state *state)
{
    const struct tracks *tracks = &state->tracks;
    size_t position = 0;
    const struct cJSON *tender = json_first(json_member(json_member(created, "refund"), "tenders"));
    for (; tender && position < tracks->tender_count; tender = json_next(tender)) {
        const char *type = json_member_text(tender, "type");
        if (!type || word_find(tender_words, type) == TENDER_ROUNDING)
            continue;
        const char *word = tender_state_words[tracks->tenders[position++]];
        if (json_set_text(created, tender, "state", word) != ERR_OK)
            return ERR_NO_MEMORY;
    }
    return ERR_OK;
}

static void copy_member(struct jsonw *w, const struct cJSON *from, const char *name)
{
    const struct cJSON *value = json_member(from, name);
    if (!value)
        return;
    struct buf text CLEANUP(buf_free);
    buf_init(&text, EVENT_BODY_MAX);
    json_print(value, &text);
    if (text.failed)
        w->out->failed = true;
    jsonw_raw(w, name, buf_slice(&text));
}

static const char *posting_word(const struct fold *fold)
{
    const struct tracks *tracks = &fold->state.tracks;
    if (tracks->posting == POSTING_NONE && return_state_live(&fold->state) &&
        fold->state.created_seq <= fold->how->through)
        return posting_words[POSTING_QUEUED];
    return posting_words[tracks->posting];
}

static void write_return(struct jsonw *w, const struct fold *fold)
{
    const struct return_state *state = &fold->state;
    char id[ID_TEXT + 1];
    id_format(&state->id, id);
    jsonw_object(w, NULL);
    jsonw_text(w, "return_id", id);
    jsonw_text(w, "number", state->number);
    jsonw_text(w, "receipt", state->receipt[0] ? state->receipt : NULL);
    jsonw_text(w, "decision", verdict_words[state->tracks.verdict]);
    static const char *const members[] = {"policy", "rule", "reasons", "lines", "refund"};
    for (size_t i = 0; i < sizeof members / sizeof *members; i++)
        copy_member(w, fold->created, members[i]);
    jsonw_text(w, "goods", goods_words[state->tracks.goods]);
    jsonw_text(w, "money", money_words[state->tracks.money]);
    jsonw_text(w, "posting", posting_word(fold));
    jsonw_bool(w, "complete", state->tracks.complete);
    jsonw_time(w, "created_at", state->created_ms);
    jsonw_int(w, "seq", state->created_seq);
    jsonw_bool(w, "saved", true);
    if (fold->how->with_history)
        jsonw_raw(w, "history", buf_slice(&fold->history));
    jsonw_end(w);
}

static enum err write_answer(struct fold *fold, struct buf *out, struct fault *fault)
{
    if (!fold->created)
        return fault_set(fault, ERR_NOT_FOUND, "return", "no return has this id");
    if (update(fold->created, &fold->state) != ERR_OK)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    struct jsonw w = jsonw_to(out);
    write_return(&w, fold);
    return buf_check(out, fault, "answer");
}

enum err return_answer_write(const struct views *views, const struct id *id,
                             const struct return_answer *how, struct buf *out, struct fault *fault)
{
    struct fold fold = {.how = how};
    buf_init(&fold.history, 4 * EVENT_BODY_MAX);
    fold.history_writer = jsonw_to(&fold.history);
    jsonw_array(&fold.history_writer, NULL);
    enum err err = views_history(views, id, fold_one, &fold, fault);
    jsonw_end(&fold.history_writer);
    if (!err)
        err = write_answer(&fold, out, fault);
    json_free(fold.created);
    buf_free(&fold.history);
    return err;
}
