/*
 * One visit to the broker under a name of the hub's choice. The hub has the authority: it makes
 * itself a certificate of that name, connects once, and leaves. Needs nothing of the broker but
 * MQTT. Loop thread.
 */
#ifndef SYNC_HUB_VISIT_H
#define SYNC_HUB_VISIT_H

#include "sync/hub/fleet/authorities.h"
#include "sync/transport/mqtt.h"

struct visit;

/* Texts are borrowed until the end. */
struct visit_config {
    const char *url;
    const char *proxy;
    const char *ca_file;
    const char *runtime_folder;
    struct clock *clock;
    struct diag *diag;
    /* Comes once: ERR_OK after CONNACK, or why not. The object is then only good for visit_close.
     */
    void (*ended)(void *context, enum err err, const struct fault *fault);
    void *context;
};

/* A certificate of that name for so long, from now on. Neither it nor its key stays on the disk. */
enum err visit_pass(const struct visit_config *config, struct authority *authority,
                    const char *name, int64_t life_ms, struct tls_context **pass,
                    struct fault *fault) MUST_CHECK;
/* `pass` is borrowed until visit_close. */
enum err visit_open(struct visit **visit, struct loop *loop, const struct visit_config *config,
                    const char *name, struct tls_context *pass, struct fault *fault) MUST_CHECK;
void visit_close(struct visit *visit); /* takes NULL */

#endif
