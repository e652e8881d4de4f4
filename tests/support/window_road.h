/* A window, and what it wants to be sent: for tests of it. */
#ifndef TESTS_SUPPORT_WINDOW_ROAD_H
#define TESTS_SUPPORT_WINDOW_ROAD_H

#include "sync/uplink/window.h"

/* 4 batches on the wire, 8 in all, 10 events and 100 bytes each; a backlog is long from 100 on. */
extern const struct window_limits window_road_limits;

/* Sends what the window wants, all that it asks for; returns the token, 0 when it wants nothing. */
int window_road_send(struct window *window, int64_t now_ms, struct window_batch *sent);
/* Sends the next, which must be this one. */
void window_road_expect(struct window *window, enum stream stream, int64_t first, int64_t last);

#endif
