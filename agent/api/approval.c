#include "agent/api/approval.h"

#include <stdlib.h>

/* One whose manager's PIN is being looked at. */
struct approval {
    struct api_call call;
    enum capture_kind kind;
    struct id subject;
};

static void submit(struct api_call *call, enum capture_kind kind, const struct id *subject)
{
    api_write(call, kind, subject, 200);
}

static void known(void *context, const struct people_answer *answer)
{
    struct approval *approval = context;
    struct api_call *call = &approval->call;
    struct fault fault;
    if (answer->err) {
        api_refuse_person(call->request, answer);
    } else if (answer->person->role != ROLE_MANAGER || answer->person->one_time) {
        api_fail(call->request,
                 fault_set(&fault, ERR_FORBIDDEN, "approval", "this person is not a manager"),
                 &fault);
    } else if (api_peer_left(call->request)) {
        api_fail(call->request, fault_set(&fault, ERR_CLOSED, "", "the client has left"), &fault);
    } else {
        call->actor.person = answer->person->id;
        call->actor.manager = true;
        submit(call, approval->kind, &approval->subject);
    }
    free(approval);
}

static void verify(struct api_call *call, enum capture_kind kind, const struct id *subject,
                   const char *who)
{
    struct fault fault;
    const char *pin = http_request_header(call->request, "Tillback-Approver-Pin");
    struct approval *approval = calloc(1, sizeof *approval);
    if (!approval) {
        api_fail(call->request, fault_set(&fault, ERR_NO_MEMORY, "", "out of memory"), &fault);
        return;
    }
    *approval = (struct approval){.call = *call, .kind = kind, .subject = *subject};
    if (call->actor.lane == call->holder.lane)
        approval->call.actor.lane = approval->call.holder.lane;
    people_verify(call->api->people, slice_of(who), slice_of(pin ? pin : ""), known, approval);
}

void api_decide(struct api_call *call, enum capture_kind kind)
{
    struct fault fault;
    struct id subject;
    enum err err = api_subject(call, &subject, &fault);
    if (err) {
        api_fail(call->request, err, &fault);
        return;
    }
    const char *who = http_request_header(call->request, "Tillback-Approver");
    if (who)
        verify(call, kind, &subject, who);
    else
        submit(call, kind, &subject);
}
