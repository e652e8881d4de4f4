/*
 * How the appliance stands with the hub, as JSON members: for the status and the stream. Loop
 * thread only.
 */
#ifndef AGENT_API_LINK_H
#define AGENT_API_LINK_H

#include "agent/api/internal.h"

/* Writes "link", "since", "reason", "waiting" and "streams" into the open object. */
void api_link_write(struct api *api, struct jsonw *w);

#endif
