/* Open answers of GET /v1/stream (server-sent events): what is told there. Loop thread only. */
#ifndef AGENT_API_STREAM_H
#define AGENT_API_STREAM_H

#include "agent/api/internal.h"

enum err api_stream_begin(struct api *api, struct fault *fault) MUST_CHECK;
void api_stream_end(struct api *api);
/* Tells every open stream, or those of one lane and of none. */
void api_stream_tell(struct api *api, const char *event, const char *lane, const struct buf *data);

#endif
