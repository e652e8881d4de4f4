/*
 * Commands to appliances as the hub keeps them: asked for by a person, signed and sent until there
 * is an answer or their time is up, answered. Inside the caller's transaction; blocks on the
 * database.
 */
#ifndef SYNC_HUB_FLEET_COMMANDS_H
#define SYNC_HUB_FLEET_COMMANDS_H

#include "hal/database.h"
#include "sync/contract/command.h"
#include "sync/hub/fleet/signer.h"

struct commands;

enum { COMMAND_EXPIRY_S = 300 };

enum err commands_open(struct commands **commands, struct database *db,
                       struct fault *fault) MUST_CHECK;
void commands_close(struct commands *commands); /* takes NULL */

struct command_order {
    const char *device;
    const char *name;
    struct slice arguments; /* a JSON object */
    const char *holder;
    int64_t expiry_s; /* COMMAND_EXPIRY_S, unless somebody says otherwise */
    int64_t now_ms;
};
/* ERR_NOT_FOUND for a device that this hub hasn't heard of; ERR_INVALID names what is wrong. */
enum err commands_add(struct commands *commands, const struct command_order *order, struct id *id,
                      struct fault *fault) MUST_CHECK;

/* One that is to be sent now. Borrowed for the call. */
struct command_parcel {
    const char *device;
    const char *name;
    struct slice envelope;
    struct slice correlation;
    uint32_t expiry_s;
};
typedef void commands_send(void *context, const struct command_parcel *parcel);
/* What a step works with. */
struct commands_turn {
    const struct signer *signer;
    int64_t now_ms;
    int64_t again_ms; /* what was sent since isn't sent again yet */
    int64_t max;      /* commands that are sent */
    commands_send *send;
    void *context;
};
/* Sends some of those that wait; `waiting`: there are such. */
enum err commands_step(struct commands *commands, const struct commands_turn *turn, bool *waiting,
                       struct fault *fault) MUST_CHECK;
/* ERR_INVALID unless it is a reply; one to nothing that waits changes nothing. */
enum err commands_reply(struct commands *commands, const char *device, struct slice text,
                        int64_t now_ms, struct fault *fault) MUST_CHECK;
/* Writes one as an object; ERR_NOT_FOUND. `ended` tells whether it has. */
enum err commands_write(struct commands *commands, const struct id *id, struct jsonw *w,
                        bool *ended, struct fault *fault) MUST_CHECK;
/* Newest first, as items without their results; `device` "" takes all. */
enum err commands_list(struct commands *commands, const char *device, int64_t max, struct jsonw *w,
                       struct fault *fault) MUST_CHECK;

#endif
