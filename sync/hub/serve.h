/*
 * The hub, served until SIGTERM or SIGINT. When another database has taken the place of the one
 * that it began with, or its file was found damaged (hub.h, begin_anew), it is closed and opened
 * again, under the epoch of that one or of the rescued file, as often as it takes; only what fails
 * at the first opening ends it. Each opening is told on stdout, "ready http=ADDRESS". Loop thread;
 * blocks.
 */
#ifndef SYNC_HUB_SERVE_H
#define SYNC_HUB_SERVE_H

#include "sync/hub/hub.h"

/* `config` without begin_anew and its context, which are this file's. */
enum err serve(struct loop *loop, const struct hub_config *config, struct fault *fault) MUST_CHECK;

#endif
