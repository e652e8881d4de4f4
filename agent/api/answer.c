#include "agent/api/internal.h"

void api_answer(struct http_request *request, int status, const struct buf *json)
{
    struct fault fault;
    enum err err = buf_check(json, &fault, "answer");
    if (err)
        api_fail(request, err, &fault);
    else
        http_answer(request, status, "application/json", buf_slice(json), NULL, 0);
}

bool api_switched_off(struct api_call *call, bool feature)
{
    struct fault fault;
    if (feature)
        return false;
    (void)fault_set(&fault, ERR_FORBIDDEN, "", "this is switched off here by the configuration");
    api_fail(call->request, ERR_FORBIDDEN, &fault);
    return true;
}

void api_fail(struct http_request *request, enum err err, const struct fault *fault)
{
    http_problem(request, http_status_of(err), fault);
}

enum err api_subject(const struct api_call *call, struct id *id, struct fault *fault)
{
    if (id_parse(call->rest, id) != ERR_OK)
        return fault_set(fault, ERR_NOT_FOUND, "id",
                         "a return's id looks like "
                         "0193f2c4-7b1e-7c3a-9d55-0123456789ab");
    return ERR_OK;
}
