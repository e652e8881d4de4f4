#include "sync/contract/link_state.h"
#include "sync/hub/ingest/arrival_kind.h"
#include "sync/hub/ingest/device.h"
#include "sync/hub/ingest/inbox.h"

#include <stdlib.h>

static enum err look_up_logs(struct arrival *arrival, struct database *db,
                             const struct link_state *state, struct fault *fault)
{
    enum err err = ERR_OK;
    if (!state->has_logs)
        return ERR_OK;
    arrival->unknown = calloc(STREAMS_OF_APPLIANCE, sizeof *arrival->unknown);
    if (!arrival->unknown)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    for (int i = 0; i < STREAMS_OF_APPLIANCE && !err; i++)
        err = ingest_unknown_log(db, &arrival->desk->rules, (enum stream)i, &state->logs[i],
                                 &arrival->unknown[i], fault);
    return err;
}

static enum err look_up_leases(struct arrival *arrival, struct database *db, struct fault *fault)
{
    enum err err = arrival_make_asks(arrival, LEASES_REMINDED_MAX, fault);
    return err ? err
               : lease_reminders(db, arrival->device, arrival->received_ms, arrival->asks,
                                 &arrival->ask_count, fault);
}

static enum err run_state(struct work *work, struct database *db, struct fault *fault)
{
    struct arrival *arrival = arrival_of(work);
    struct link_state state;
    enum err err = link_state_read(buf_slice(&arrival->payload), &state, fault);
    if (!err)
        err = device_seen(db, arrival->device, arrival->received_ms, fault);
    if (!err)
        err = device_keep_state(db, arrival->device, &state, buf_slice(&arrival->payload),
                                arrival->received_ms, fault);
    if (!err && state.online)
        err = look_up_logs(arrival, db, &state, fault);
    if (!err && state.online && state.confirms)
        err = look_up_leases(arrival, db, fault);
    if (!err && state.online)
        err = inbox_next(db, arrival->device, &arrival->reply, &arrival->place, fault);
    return err;
}

static void state_done(struct work *work, enum err err, const struct fault *fault)
{
    struct arrival *arrival = arrival_of(work);
    for (int i = 0; i < STREAMS_OF_APPLIANCE && !err && arrival->unknown; i++)
        if (arrival->unknown[i].has_ack)
            arrival_answer_ack(arrival, &arrival->unknown[i]);
    if (!err)
        arrival_tell_holders(arrival);
    arrival_end_with_inbox(work, err, fault);
}

const struct arrival_kind arrival_state = {.name = "state", .run = run_state, .done = state_done};
