/* POST /v1/poslog: transactions of a legacy till, in the body as XML. */
#include "agent/capture/poslog.h"
#include "agent/api/internal.h"

static void done(void *context, const struct poslog_answer *answer)
{
    struct http_request *request = context;
    if (answer->err)
        api_fail(request, answer->err, answer->fault);
    else
        http_answer(request, 200, "application/json", answer->body, NULL, 0);
}

static void take(struct api_call *call)
{
    struct fault fault;
    if (api_switched_off(call, call->api->features.poslog))
        return;
    enum err err = poslog_take(call->api->config.poslog, http_request_body(call->request), done,
                               call->request, &fault);
    if (err)
        api_fail(call->request, err, &fault);
}

const struct api_route api_poslog_routes[] = {
    {"POST", "/v1/poslog", API_CLIENT, take},
    {0},
};
