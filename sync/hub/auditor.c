#include "sync/hub/auditor.h"
#include "sync/hub/ingest/rescue.h"
#include "sync/hub/ingest/verify.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

enum { LEAST_URGENT = 19, RESCUE_APART_MS = 60 * 60 * 1000 };

struct auditor {
    struct auditor_config config;
    bool rescued; /* at this opening */
    int64_t rescued_ms;
    struct hubdb *hub; /* the thread's */
    pthread_t thread;
    bool running;
    bool stopping;
    bool finished;
    int64_t findings;
};

static bool is_file(const struct auditor *auditor)
{
    return !hubdb_is_server(auditor->config.database.path);
}

/* Any of the two threads. */
static void found(void *context, const struct verify_finding *finding)
{
    struct auditor *auditor = context;
    const struct hubdb_config *database = &auditor->config.database;
    struct diag *diag = auditor->config.diag;
    struct fault fault;
    (void)__atomic_fetch_add(&auditor->findings, 1, __ATOMIC_RELAXED);
    diag_write(diag, DIAG_ERROR, "hub.damaged", "%s: %s. Don't delete anything: %s", finding->what,
               finding->text,
               is_file(auditor)
                   ? "the hub opens anew when it has looked at all, keeps what is sound, "
                     "and asks appliances for the rest"
                   : "stop all hubs, and see tillback-hub rescue");
    if (is_file(auditor) && !rescue_noted(database) && rescue_note(database, &fault) != ERR_OK)
        diag_fault(diag, DIAG_ERROR, "hub.not_noted", &fault);
}

void auditor_meet(struct auditor *auditor, const struct fault *fault)
{
    struct verify_finding finding = {.what = "unreadable"};
    (void)snprintf(finding.text, sizeof finding.text, "%s", fault->text);
    found(auditor, &finding);
}

bool auditor_would_rescue(const struct auditor *auditor)
{
    bool lately = auditor->rescued &&
                  loop_now_ms(auditor->config.loop) < auditor->rescued_ms + RESCUE_APART_MS;
    return is_file(auditor) && rescue_noted(&auditor->config.database) && !lately;
}

static bool goes_on(void *context)
{
    struct auditor *auditor = context;
    return !__atomic_load_n(&auditor->stopping, __ATOMIC_RELAXED);
}

static void *run(void *context)
{
    struct auditor *auditor = context;
    struct verified verified = {0};
    struct fault fault;
    const struct verify_wish wish = {.report = found, .goes_on = goes_on, .context = auditor};
    /* Not SCHED_IDLE: on a busy machine that would stand in a transaction for seconds. */
    (void)setpriority(PRIO_PROCESS, 0, LEAST_URGENT); /* of this thread */
    enum err err = verify_hub(auditor->hub, &wish, &verified, &fault);
    if (!goes_on(auditor))
        return NULL;
    if (err)
        diag_fault(auditor->config.diag, DIAG_ERROR, "hub.not_verified", &fault);
    __atomic_store_n(&auditor->finished, !err, __ATOMIC_RELAXED);
    if (auditor_findings(auditor) &&
        loop_post(auditor->config.loop, auditor->config.damaged, auditor->config.context) != ERR_OK)
        diag_write(auditor->config.diag, DIAG_ERROR, "hub.damage_untold", "out of memory");
    return NULL;
}

enum err auditor_open(struct auditor **out, const struct auditor_config *config,
                      struct fault *fault)
{
    struct fault later;
    struct auditor *auditor = calloc(1, sizeof *auditor);
    if (!auditor)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    auditor->config = *config;
    const struct verify_wish wish = {.report = found, .context = auditor};
    int64_t findings;
    if (is_file(auditor) && verify_wal(config->database.path, &wish, &findings, &later) != ERR_OK)
        diag_fault(config->diag, DIAG_ERROR, "hub.not_verified", &later);
    *out = auditor;
    return ERR_OK;
}

/* --- What was found before ------------------------------------------------------------------- */

static void print_loss(void *context, const struct verify_finding *finding)
{
    struct auditor *auditor = context;
    diag_write(auditor->config.diag, DIAG_ERROR, "hub.lost",
               "%s. Only a backup has what is missing", finding->text);
}

static enum err rescue(struct auditor *auditor, struct fault *fault)
{
    struct rescued rescued = {.aside = ""};
    enum err err = rescue_hub(&auditor->config.database, print_loss, auditor, &rescued, fault);
    if (err)
        return err;
    auditor->rescued = true;
    auditor->rescued_ms = loop_now_ms(auditor->config.loop);
    if (*rescued.aside)
        diag_write(auditor->config.diag, DIAG_ERROR, "hub.rescued",
                   "the damaged database is in %s; what could be read of it goes on",
                   rescued.aside);
    if (rescued.recalled.logs)
        diag_write(auditor->config.diag, DIAG_ERROR, "hub.recalled",
                   "%lld events of %lld logs are asked for again from their appliances",
                   (long long)rescued.recalled.places, (long long)rescued.recalled.logs);
    return ERR_OK;
}

enum err auditor_open_hub(struct auditor *auditor, struct hubdb **hub, struct fault *fault)
{
    const struct hubdb_config *config = &auditor->config.database;
    enum err err = rescue_resume(config, fault);
    if (!err && is_file(auditor) && rescue_noted(config))
        err = rescue(auditor, fault);
    if (!err)
        err = hubdb_open(hub, config, fault);
    if (err != ERR_CORRUPT || !is_file(auditor))
        return err;
    diag_fault(auditor->config.diag, DIAG_ERROR, "hub.damaged", fault);
    err = rescue(auditor, fault);
    return err ? err : hubdb_open(hub, config, fault);
}

/* --- The rest -------------------------------------------------------------------------------- */

enum err auditor_begin(struct auditor *auditor, struct hubdb *hub, struct fault *fault)
{
    const struct verify_wish wish = {.report = found, .context = auditor};
    enum err err = verify_tail(hub, &wish, fault);
    if (!err)
        err = hubdb_open_beside(&auditor->hub, &auditor->config.database, true, fault);
    if (err)
        return err;
    int code = pthread_create(&auditor->thread, NULL, run, auditor);
    auditor->running = code == 0;
    return code ? fault_errno(fault, code, "", "starting a thread") : ERR_OK;
}

void auditor_close(struct auditor *auditor)
{
    if (!auditor)
        return;
    __atomic_store_n(&auditor->stopping, true, __ATOMIC_RELAXED);
    if (auditor->running)
        (void)pthread_join(auditor->thread, NULL);
    hubdb_close(auditor->hub);
    free(auditor);
}

int64_t auditor_findings(const struct auditor *auditor)
{
    return __atomic_load_n(&auditor->findings, __ATOMIC_RELAXED);
}

bool auditor_finished(const struct auditor *auditor)
{
    return __atomic_load_n(&auditor->finished, __ATOMIC_RELAXED);
}
