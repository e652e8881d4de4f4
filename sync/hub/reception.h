/*
 * Where boxes get their identities and lose them: the registrar with all ways to it (up/enrol on
 * the broker, the broker that strangers enrol at, EST), and the door. A hub without an authority of
 * its own takes what others have enrolled. Loop thread; blocks on the disk as the door does.
 */
#ifndef SYNC_HUB_RECEPTION_H
#define SYNC_HUB_RECEPTION_H

#include "sync/hub/enrolment.h"
#include "sync/hub/hub_config.h"

struct reception;

/* What it works with. All is borrowed. */
struct reception_house {
    struct worker *worker;
    struct database *reader;           /* the loop's */
    struct tls_context *const *client; /* what the hub shows to brokers now */
    const char *ca_file;               /* whose word that goes by */
    const char *runtime_folder;
    void (*trust_changed)(void *context); /* authorities, lists or certificates are others now */
    enrolment_answer *answer;             /* to a box that the broker knows */
    void *context;
};

struct reception_facts {
    bool enrols;           /* it has an authority */
    int64_t answered;      /* questions */
    int64_t refused;       /* as well */
    int64_t list_until_ms; /* as door_list_until_ms */
};

/* Prepares it on the worker's database, before that has its thread. Nobody is let in yet. */
enum err reception_open(struct reception **reception, const struct hub_config *config,
                        struct hubdb *db, struct fault *fault) MUST_CHECK;
/* `trust_changed` may come before it returns. */
enum err reception_begin(struct reception *reception, struct loop *loop,
                         const struct reception_house *house, struct fault *fault) MUST_CHECK;
/* Lets nobody in any more; before worker_close. Takes NULL. */
void reception_stop(struct reception *reception);
/* After worker_close. What the worker did last is told nobody any more. Takes NULL. */
void reception_close(struct reception *reception);

/* Takes a box's question on up/enrol. */
enum err reception_take(struct reception *reception, const struct mqtt_message *message,
                        const char *device, struct fault *fault) MUST_CHECK;
/* As door_turns_away. */
bool reception_turns_away(struct reception *reception, const char *device);
/* The database may have changed. */
void reception_look(struct reception *reception);
/* What it shows, and to whom, goes by other files now. */
enum err reception_renew_trust(struct reception *reception, struct fault *fault) MUST_CHECK;
struct reception_facts reception_facts(const struct reception *reception);

#endif
