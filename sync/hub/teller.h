/*
 * Tells appliances what they have not asked for, in the pace at which the broker takes it: the
 * acknowledgements that say something new since a person decided or a backup was made, and messages
 * that came into an inbox by another process. After a new connection, all that there is, since the
 * broker may have lost what it retained. What is lost on the way is told again when the appliance
 * speaks next. Loop thread only; reads the database.
 */
#ifndef SYNC_HUB_TELLER_H
#define SYNC_HUB_TELLER_H

#include "sync/hub/ingest/arrival.h"

struct teller;

struct teller_config {
    struct database *reader;
    struct arrival_desk *desk;
    struct worker *worker;
    /* False while it is better to wait. */
    bool (*may_send)(void *context);
    void *context;
};

enum err teller_open(struct teller **teller, struct loop *loop, const struct teller_config *config,
                     struct fault *fault) MUST_CHECK;
void teller_close(struct teller *teller); /* takes NULL */

void teller_tell_all(struct teller *teller);
void teller_tell_news(struct teller *teller);

#endif
