/*
 * Brings this appliance to the release that the hub wants: fetches the bundle (resumed, at a rate,
 * checked by its hash), waits for the maintenance window, hands it to the system's installer
 * (hal/installer.h), and tells what became of it, also after the restart into the other slot. One
 * release at a time; every step is on the disk before the next begins, so that a restart or a power
 * cut goes on, or ends with a reason.
 *
 * It never judges whether a bundle is to be trusted, nor whether a new version is healthy: the
 * installer does. Loop thread only; downloads on a thread of its own.
 */
#ifndef AGENT_SERVICE_UPDATER_H
#define AGENT_SERVICE_UPDATER_H

#include "agent/service/update_record.h"
#include "hal/base/diag.h"
#include "hal/clock.h"
#include "hal/installer.h"

struct updater;

struct updater_config {
    struct loop *loop;
    struct clock *clock;
    struct diag *diag;
    const char *folder;    /* state directory; "update" is made in it */
    const char *installer; /* socket; NULL: this machine has none */
    const char *ca_file;   /* of whom bundles are fetched; NULL: the system's */
    const char *running;   /* this program's version */
    const char *kept;      /* folder of what the system keeps of starts (last_words.h); or NULL */
    int64_t retry_ms;      /* after a download that broke; doubles up to 15 minutes. 30000 when 0 */
    int64_t look_ms;       /* how often the window and the installer are looked at; 5000 when 0 */
    /* It stands otherwise than before: worth telling. May be NULL. */
    void (*changed)(void *context);
    void *context;
};

/* Goes on with what a restart has interrupted. */
enum err updater_open(struct updater **updater, const struct updater_config *config,
                      struct fault *fault) MUST_CHECK;
/* Before loop_close. Takes NULL. A download is stopped; its bytes stay. */
void updater_close(struct updater *updater);

/*
 * A person asks for a release now: also for one that has been tried to its end. ERR_UNSUPPORTED
 * without an installer, ERR_CONFLICT when it runs already, ERR_BUSY while another is being
 * installed.
 */
enum err updater_order(struct updater *updater, const struct release *release,
                       struct fault *fault) MUST_CHECK;
/*
 * The release that this appliance is to run, as its configuration says; NULL: it says nothing, and
 * what it asked for before is left off unless it is being installed. One that has been tried to its
 * end is not tried again. While another is being installed it waits for that.
 */
void updater_want(struct updater *updater, const struct release *release);

/* Handed over, and not ended yet: the plug should stay in. */
bool updater_is_installing(const struct updater *updater);
/* Adds "software": version, slot, what the installer did last, and the update under way. */
void updater_describe(const struct updater *updater, struct jsonw *w);

#endif
