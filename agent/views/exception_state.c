#include "agent/views/exception_state.h"
#include "agent/returns/words.h"
#include "hal/base/cleanup.h"

#include <stdio.h>

const char *const exception_step_words[] = {"open", "assigned", "resolved", NULL};

static void keep_text(char *to, size_t size, const struct cJSON *data, const char *name)
{
    const char *text = json_member_text(data, name);
    if (text)
        (void)snprintf(to, size, "%s", text);
}

static enum err id_of(const struct cJSON *data, struct id *id, struct fault *fault)
{
    const char *text = json_member_text(data, "exception");
    if (!text || id_parse(slice_of(text), id) != ERR_OK)
        return fault_set(fault, ERR_INVALID, "exception", "is missing or no UUID");
    return ERR_OK;
}

enum err exception_of(const struct eventlog_record *record, struct id *id, struct fault *fault)
{
    struct cJSON *data CLEANUP(json_cleanup) = NULL;
    enum err err = json_parse(record->event.data, JSON_LIMITS_DEFAULT, &data, fault);
    return err ? err : id_of(data, id, fault);
}

static void raise(struct exception_state *state, const struct eventlog_record *record,
                  const struct cJSON *data)
{
    *state = (struct exception_state){
        .id = state->id,
        .subject = record->event.correlation,
        .raised_ms = record->event.time_ms,
    };
    keep_text(state->code, sizeof state->code, data, "code");
    keep_text(state->detail, sizeof state->detail, data, "detail");
}

static enum err step(struct exception_state *state, const struct cJSON *data, struct fault *fault)
{
    const char *word = json_member_text(data, "state");
    int next = word ? word_find(exception_step_words, word) : -1;
    if (next <= EXCEPTION_OPEN)
        return fault_set(fault, ERR_INVALID, "state", "must be assigned or resolved");
    if (state->step == EXCEPTION_RESOLVED)
        return fault_set(fault, ERR_CONFLICT, "exception", "it is resolved already");
    state->step = (enum exception_step)next;
    keep_text(state->how, sizeof state->how, data, "how");
    return ERR_OK;
}

enum err exception_state_apply(struct exception_state *state, const struct eventlog_record *record,
                               struct fault *fault)
{
    struct cJSON *data CLEANUP(json_cleanup) = NULL;
    enum err err = json_parse(record->event.data, JSON_LIMITS_DEFAULT, &data, fault);
    if (!err)
        err = id_of(data, &state->id, fault);
    if (!err && record->event.type == EVENT_EXCEPTION_RAISED)
        raise(state, record, data);
    else if (!err)
        err = step(state, data, fault);
    if (err)
        return err;
    keep_text(state->owner, sizeof state->owner, data, "owner");
    state->updated_ms = record->event.time_ms;
    return ERR_OK;
}

bool exception_of_no_return(const struct exception_state *state)
{
    return id_equal(&state->id, &state->subject);
}

void exception_state_write(const struct exception_state *state, int64_t now_ms, struct jsonw *w)
{
    char id[ID_TEXT + 1];
    char subject[ID_TEXT + 1];
    id_format(&state->id, id);
    id_format(&state->subject, subject);
    jsonw_object(w, NULL);
    jsonw_text(w, "exception_id", id);
    if (!exception_of_no_return(state))
        jsonw_text(w, "return_id", subject);
    jsonw_text(w, "code", state->code);
    jsonw_text(w, "detail", state->detail);
    jsonw_text(w, "state", exception_step_words[state->step]);
    jsonw_text(w, "owner", state->owner);
    if (state->step == EXCEPTION_RESOLVED)
        jsonw_text(w, "how", state->how);
    jsonw_time(w, "raised_at", state->raised_ms);
    jsonw_time(w, "updated_at", state->updated_ms);
    if (now_ms)
        jsonw_int(w, "age_seconds",
                  now_ms > state->raised_ms ? (now_ms - state->raised_ms) / 1000 : 0);
    jsonw_end(w);
}
