#include "agent/api/link.h"

#include <stdio.h>

static void write_stream(struct jsonw *w, const char *name,
                         const struct eventlog_stream_status *stream)
{
    char log[ID_TEXT + 1];
    char hash[SHA256_TEXT + 1];
    id_format(&stream->log, log);
    sha256_format(&stream->head_hash, hash);
    jsonw_object(w, name);
    jsonw_text(w, "log_id", log);
    jsonw_int(w, "head", stream->head);
    jsonw_text(w, "hash", hash);
    jsonw_int(w, "through", stream->through);
    jsonw_int(w, "backed_up_through", stream->backed_up_through);
    jsonw_int(w, "waiting", stream->head - stream->through);
    jsonw_int(w, "parked", stream->parked);
    jsonw_bool(w, "forked", stream->forked);
    jsonw_end(w);
}

static void write_trouble(struct jsonw *w, const struct fault *identity)
{
    char reason[FAULT_WHERE_MAX + FAULT_TEXT_MAX + 40];
    (void)snprintf(reason, sizeof reason, "the identity can't be used: %s%s%s", identity->where,
                   identity->where[0] ? ": " : "", identity->text);
    jsonw_text(w, "reason", reason);
}

void api_link_write(struct api *api, struct jsonw *w)
{
    struct eventlog_status status;
    eventlog_status(api->config.log, &status);
    struct uplink_status link = {0};
    if (api->config.uplink)
        uplink_status(api->config.uplink, &link);
    const struct fault *identity = api->config.identity;
    bool trouble = identity && identity->code;
    jsonw_text(w, "link", api->config.uplink || trouble ? uplink_state_name(link.state) : "none");
    if (link.since_ms)
        jsonw_time(w, "since", link.since_ms);
    if (trouble)
        write_trouble(w, identity);
    else if (link.state != UPLINK_ONLINE && link.last.text[0])
        jsonw_text(w, "reason", link.last.text);
    int64_t waiting = 0;
    for (size_t i = 0; i < STREAMS_OF_APPLIANCE; i++)
        waiting += status.streams[i].head - status.streams[i].through;
    jsonw_int(w, "waiting", waiting);
    jsonw_object(w, "streams");
    for (size_t i = 0; i < STREAMS_OF_APPLIANCE; i++)
        write_stream(w, stream_name((enum stream)i), &status.streams[i]);
    jsonw_end(w);
    jsonw_int(w, "hub_epoch", status.hub_epoch);
    jsonw_bool(w, "verified", status.verified);
    jsonw_bool(w, "can_save", status.can_save);
    jsonw_int(w, "lost", status.lost[STREAM_RETURNS] + status.lost[STREAM_SALES]);
}
