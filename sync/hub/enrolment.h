/*
 * What appliances ask about their identities, on its way through the hub: read on the loop, decided
 * by the registrar on the worker's thread and in its transaction, answered on the loop after
 * COMMIT. Loop thread.
 */
#ifndef SYNC_HUB_ENROLMENT_H
#define SYNC_HUB_ENROLMENT_H

#include "sync/hub/fleet/registrar.h"
#include "sync/hub/ingest/arrival.h"

enum { ENROLMENT_RECENT = 32 };

/* A question that was taken: the broker may bring it twice, by two subscriptions. */
struct enrolment_seen {
    char sender[DEVICE_ID_MAX + 1];
    char correlation[ENROL_CORRELATION_MAX];
    size_t len;
};

struct enrolment_desk {
    struct registrar *registrar; /* of the worker's handle */
    struct worker *worker;
    struct clock *clock;
    struct diag *diag;
    void (*given)(void *context); /* after COMMIT; a code may have ended another certificate */
    void *context;
    int64_t answered;
    int64_t refused;
    struct enrolment_seen recent[ENROLMENT_RECENT];
    size_t next; /* of those, to be overwritten */
};

typedef void enrolment_answer(void *context, const struct arrival_answer *answer);

/*
 * Takes a message on up/enrol. `shown`: the broker knows the sender by its certificate; else it is
 * a stranger behind a name of its own. `answer` may come later; desk and context outlive it.
 */
enum err enrolment_take(struct enrolment_desk *desk, const struct mqtt_message *message,
                        const char *sender, bool shown, enrolment_answer *answer, void *context,
                        struct fault *fault) MUST_CHECK;
/* For whoever else asks the desk's registrar: it gave what was asked for. */
void enrolment_given(struct enrolment_desk *desk);

#endif
