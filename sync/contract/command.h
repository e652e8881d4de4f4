/*
 * A command of the centre to one appliance: under down/cmd/<name>, as the payload of a signed
 * envelope of kind "command", with response topic and correlation data; answered under up/reply.
 * Each has an id, under which it is carried out once, and a time after which it isn't any more.
 * Pure; any thread.
 */
#ifndef SYNC_CONTRACT_COMMAND_H
#define SYNC_CONTRACT_COMMAND_H

#include "hal/base/jsonw.h"
#include "sync/contract/event.h"

#define COMMANDS(X)                                                                                \
    X(STATUS, "status")         /* tells how the appliance is */                                   \
    X(REPLAY, "replay")         /* sends events once more: stream, from, to */                     \
    X(RESUBMIT, "resubmit")     /* asks the centre to try a parked event again: event, reason */   \
    X(DIAG, "diag")             /* uploads its diagnostics bundle */                               \
    X(ROTATE_KEY, "rotate-key") /* makes a new key and has it certified */                         \
    X(RESTART, "restart")       /* ends the program; its supervisor starts it again */             \
    X(UPDATE, "update")         /* installs: version, url, sha256, bytes, window, kib_per_s */

#define COMMAND_ENUM(upper, word) COMMAND_##upper,
enum command_name { COMMANDS(COMMAND_ENUM) COMMAND_COUNT };

const char *command_word(enum command_name name);
/* ERR_NOT_FOUND for one that isn't known. */
enum err command_find(const char *word, enum command_name *name) MUST_CHECK;

#define COMMAND_ENVELOPE "command"
enum {
    COMMAND_BYTES_MAX = 16 * 1024,
    COMMAND_BY_MAX = 64,
    COMMAND_REPLY_BYTES_MAX = 1000 * 1024, /* fits an MQTT message */
    COMMAND_DETAIL_MAX = 500,
};

struct command {
    struct id id;
    char device[DEVICE_ID_MAX + 1];
    enum command_name name;
    char by[COMMAND_BY_MAX + 1]; /* who asks */
    int64_t issued_ms;
    int64_t expires_ms;
    struct slice arguments; /* a JSON object, "{}" when there are none */
};

void command_write(struct buf *out, const struct command *command);
/* `arguments` points into `text`. ERR_UNSUPPORTED for a name that isn't known here. */
enum err command_read(struct slice text, struct command *command, struct fault *fault) MUST_CHECK;

/* How it ended. */
#define COMMAND_OUTCOMES(X)                                                                        \
    X(DONE, done)                                                                                  \
    X(BEGUN, begun)       /* it goes on; a later event or state tells the rest */                  \
    X(REFUSED, refused)   /* it was not carried out; `detail` says why */                          \
    X(FAILED, failed)     /* it was tried */                                                       \
    X(REPEATED, repeated) /* its id was carried out before */

#define COMMAND_OUTCOME_ENUM(upper, lower) COMMAND_##upper,
enum command_outcome { COMMAND_OUTCOMES(COMMAND_OUTCOME_ENUM) COMMAND_OUTCOME_COUNT };

const char *command_outcome_word(enum command_outcome outcome);

struct command_reply {
    struct id id;
    enum command_outcome outcome;
    char detail[COMMAND_DETAIL_MAX + 1]; /* for people; may be "" */
    struct slice result;                 /* a JSON object, or empty */
};

void command_reply_write(struct buf *out, const struct command_reply *reply);
/* `result` points into `text`. */
enum err command_reply_read(struct slice text, struct command_reply *reply,
                            struct fault *fault) MUST_CHECK;

#endif
