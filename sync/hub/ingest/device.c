#include "sync/hub/ingest/device.h"
#include "sync/hub/ingest/ingest.sql.h"

enum err device_seen(struct database *db, const char *device, int64_t now_ms, struct fault *fault)
{
    struct statement *s;
    enum err err = database_statement(db, INGEST_DEVICE_SEEN, &s, fault);
    if (err)
        return err;
    bind_text(s, 1, device);
    bind_int(s, 2, now_ms);
    return database_send(db, s, fault);
}

static int64_t events_waiting(const struct link_state *state)
{
    int64_t waiting = 0;
    for (int stream = 0; stream < STREAMS_OF_APPLIANCE; stream++)
        waiting += state->waiting[stream];
    return waiting;
}

enum err device_keep_state(struct database *db, const char *device, const struct link_state *state,
                           struct slice text, int64_t now_ms, struct fault *fault)
{
    struct statement *s;
    enum err err =
        database_statement(db, state->online ? INGEST_STATE_BORN : INGEST_STATE_DIED, &s, fault);
    if (err)
        return err;
    bind_text(s, 1, device);
    bind_blob(s, 2, state->session.bytes, ID_BYTES);
    bind_int(s, state->online ? 4 : 3, now_ms);
    if (state->online) {
        bind_slice(s, 3, text);
        bind_int(s, 5, events_waiting(state));
        bind_int(s, 6, state->torn_ends);
        bind_int(s, 7, state->confirms);
    }
    return database_run(db, s, fault);
}
