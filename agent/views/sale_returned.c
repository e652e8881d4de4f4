#include "agent/views/sale_returned.h"
#include "agent/views/return_view.h"
#include "hal/base/cleanup.h"

struct gathering {
    const struct views *views;
    const struct sale *sale;
    const struct id *except;
    struct arena *arena;
    struct sale_returned *returned;
};

static enum err add_created(void *context, const struct eventlog_record *record,
                            struct fault *fault)
{
    struct gathering *g = context;
    if (record->event.type != EVENT_RETURN_CREATED)
        return ERR_OK;
    struct cJSON *data CLEANUP(json_cleanup) = NULL;
    enum err err = json_parse(record->event.data, JSON_LIMITS_DEFAULT, &data, fault);
    if (err)
        return err;
    return history_add_json(&g->returned->history, g->sale, data, g->arena, fault);
}

static enum err add_return(void *context, const struct return_state *state, struct fault *fault)
{
    struct gathering *g = context;
    if (!return_state_live(state) || (g->except && id_equal(&state->id, g->except)))
        return ERR_OK;
    g->returned->returns++;
    g->returned->amount_minor += state->total_minor;
    return views_history(g->views, &state->id, add_created, g, fault);
}

enum err sale_returned_read(const struct views *views, const struct sale_found *found,
                            const struct id *except, struct arena *arena,
                            struct sale_returned *returned, struct fault *fault)
{
    struct sale_returned read = {0};
    struct gathering g = {views, &found->sale, except, arena, &read};
    enum err err = history_init(&found->sale, arena, &read.history, fault);
    if (!err)
        err = return_view_of_sale(views, &found->id, true, add_return, &g, fault);
    if (!err)
        *returned = read;
    return err;
}
