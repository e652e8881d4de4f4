/*
 * What of the fleet is read over HTTP, and the handles that reads and changes work on. For fleet.c
 * alone. Each thread has an office of its own.
 */
#ifndef SYNC_HUB_WEB_FLEET_READ_H
#define SYNC_HUB_WEB_FLEET_READ_H

#include "sync/hub/fleet/commands.h"
#include "sync/hub/fleet/rollouts.h"
#include "sync/hub/web/fleet.h"

/* On one handle of the database. */
struct fleet_office {
    struct desired *desired;
    struct rollouts *rollouts;
    struct commands *commands;
};

struct fleet_reading {
    const struct fleet_office *office;
    struct clock *clock;
};

struct fleet_view;

/* Zeroed first; to be closed even when it failed. */
enum err fleet_office_open(struct fleet_office *office, struct database *db,
                           struct fault *fault) MUST_CHECK;
void fleet_office_close(struct fleet_office *office);
/* The view at a path, and what stands behind its last slash; NULL if there is none. */
const struct fleet_view *fleet_read_find(const char *path, const char **rest);
void fleet_read_answer(const struct fleet_reading *reading, const struct fleet_view *view,
                       enum access_role role, struct http_request *request, const char *rest);
/* ERR_NOT_FOUND unless the text is a number. */
enum err fleet_read_number(const char *text, const char *where, int64_t *number,
                           struct fault *fault) MUST_CHECK;

#endif
