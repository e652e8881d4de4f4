#include "sync/hub/web/forged.h"
#include "sync/hub/ingest/exception.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

enum { DETAIL_MAX = 300, EACH_MS = 60 * 1000 };

struct forged {
    struct work work;
    struct diag *diag;
    char detail[DETAIL_MAX];
    int64_t now_ms;
};

static struct forged *forged_of(struct work *work)
{
    return (struct forged *)((char *)work - offsetof(struct forged, work));
}

static enum err run(struct work *work, struct database *db, struct fault *fault)
{
    struct forged *forged = forged_of(work);
    char device[DEVICE_ID_MAX + 1];
    const struct exception exception = {
        .code = "signature_invalid", .detail = forged->detail, .now_ms = forged->now_ms};
    return exception_raise(db, &exception, device, fault);
}

static void done(struct work *work, enum err err, const struct fault *fault)
{
    struct forged *forged = forged_of(work);
    if (err)
        diag_fault(forged->diag, DIAG_WARN, "hub.forgery_not_noted", fault);
    free(forged);
}

void forged_note(const struct web_config *config, const struct fault *why, int64_t *noted_ms)
{
    int64_t now_ms = clock_wall_ms(config->clock);
    if (*noted_ms && now_ms - *noted_ms < EACH_MS)
        return;
    struct forged *forged = calloc(1, sizeof *forged);
    if (!forged)
        return;
    forged->work = (struct work){.run = run, .done = done, .bytes = sizeof *forged};
    forged->diag = config->diag;
    forged->now_ms = now_ms;
    (void)snprintf(forged->detail, sizeof forged->detail,
                   "a webhook to the payment provider's address was refused: %.64s %.160s",
                   why->where, why->text);
    if (worker_submit(config->worker, &forged->work) != ERR_OK) {
        free(forged);
        return;
    }
    *noted_ms = now_ms;
}
