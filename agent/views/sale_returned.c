#include "agent/views/sale_returned.h"
#include "agent/views/return_view.h"
#include "hal/base/cleanup.h"

struct gathering {
    const struct sale *sale;
    const struct id *except;
    struct arena *arena;
    struct sale_returned *returned;
};

static enum err add(void *context, const struct return_given_back *given, struct fault *fault)
{
    struct gathering *g = context;
    if (g->except && id_equal(&given->id, g->except))
        return ERR_OK;
    g->returned->returns++;
    g->returned->amount_minor += given->total_minor;
    struct cJSON *body CLEANUP(json_cleanup) = NULL;
    enum err err = json_parse(given->body, JSON_LIMITS_DEFAULT, &body, fault);
    return err ? err : history_add_json(&g->returned->history, g->sale, body, g->arena, fault);
}

enum err sale_returned_read(const struct views *views, const struct sale_found *found,
                            const struct id *except, struct arena *arena,
                            struct sale_returned *returned, struct fault *fault)
{
    struct sale_returned read = {0};
    struct gathering g = {&found->sale, except, arena, &read};
    enum err err = history_init(&found->sale, arena, &read.history, fault);
    if (!err)
        err = return_view_live_of_sale(views, &found->id, add, &g, fault);
    if (!err)
        *returned = read;
    return err;
}
