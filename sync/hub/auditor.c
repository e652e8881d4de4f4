#include "sync/hub/auditor.h"
#include "sync/hub/ingest/rescue.h"
#include "sync/hub/ingest/verify.h"

#include <pthread.h>
#include <sched.h>
#include <sqlite3.h>
#include <stdlib.h>

enum { STEPS = 10000 }; /* of SQLite, between two looks whether it goes on */

struct auditor {
    struct hubdb_config config;
    struct diag *diag;
    struct hubdb *hub; /* the thread's */
    pthread_t thread;
    bool running;
    bool stopping;
    bool finished;
    int64_t findings;
};

/* Any of the two threads. */
static void found(void *context, const struct verify_finding *finding)
{
    struct auditor *auditor = context;
    struct fault fault;
    bool server = hubdb_is_server(auditor->config.path);
    int64_t before = __atomic_fetch_add(&auditor->findings, 1, __ATOMIC_RELAXED);
    diag_write(auditor->diag, DIAG_ERROR, "hub.damaged", "%s: %s. Don't delete anything: %s",
               finding->what, finding->text,
               server ? "stop all hubs, and see tillback-hub rescue"
                      : "start the hub anew: it keeps what is sound, and asks appliances for the "
                        "rest");
    if (before == 0 && !server && rescue_note(&auditor->config, &fault) != ERR_OK)
        diag_fault(auditor->diag, DIAG_ERROR, "hub.not_noted", &fault);
}

static bool goes_on(void *context)
{
    struct auditor *auditor = context;
    return !__atomic_load_n(&auditor->stopping, __ATOMIC_RELAXED);
}

/* For what SQLite does in one long step. */
static int interrupts(void *context)
{
    return !goes_on(context);
}

static void *run(void *context)
{
    struct auditor *auditor = context;
    struct sched_param idle = {0};
    struct verified verified = {0};
    struct fault fault;
    const struct verify_wish wish = {.report = found, .goes_on = goes_on, .context = auditor};
    (void)pthread_setschedparam(pthread_self(), SCHED_IDLE, &idle);
    enum err err = verify_hub(auditor->hub, &wish, &verified, &fault);
    if (!goes_on(auditor))
        return NULL;
    if (err)
        diag_fault(auditor->diag, DIAG_ERROR, "hub.not_verified", &fault);
    __atomic_store_n(&auditor->finished, !err, __ATOMIC_RELAXED);
    return NULL;
}

enum err auditor_open(struct auditor **out, const struct hubdb_config *config, struct diag *diag,
                      struct fault *fault)
{
    struct fault later;
    struct auditor *auditor = calloc(1, sizeof *auditor);
    if (!auditor)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    auditor->config = *config;
    auditor->diag = diag;
    const struct verify_wish wish = {.report = found, .context = auditor};
    int64_t findings;
    if (!hubdb_is_server(config->path) &&
        verify_wal(config->path, &wish, &findings, &later) != ERR_OK)
        diag_fault(diag, DIAG_ERROR, "hub.not_verified", &later);
    *out = auditor;
    return ERR_OK;
}

/* --- What was found before ------------------------------------------------------------------- */

static void print_loss(void *context, const struct verify_finding *finding)
{
    struct auditor *auditor = context;
    diag_write(auditor->diag, DIAG_ERROR, "hub.lost", "%s. Only a backup has what is missing",
               finding->text);
}

static enum err rescue(struct auditor *auditor, struct fault *fault)
{
    struct rescued rescued = {.aside = ""};
    enum err err = rescue_hub(&auditor->config, print_loss, auditor, &rescued, fault);
    if (err)
        return err;
    if (*rescued.aside)
        diag_write(auditor->diag, DIAG_ERROR, "hub.rescued",
                   "the damaged database is in %s; what could be read of it goes on",
                   rescued.aside);
    if (rescued.recalled.logs)
        diag_write(auditor->diag, DIAG_ERROR, "hub.recalled",
                   "%lld events of %lld logs are asked for again from their appliances",
                   (long long)rescued.recalled.places, (long long)rescued.recalled.logs);
    return ERR_OK;
}

enum err auditor_open_hub(struct auditor *auditor, struct hubdb **hub, struct fault *fault)
{
    const struct hubdb_config *config = &auditor->config;
    enum err err = rescue_resume(config, fault);
    if (!err && !hubdb_is_server(config->path) && rescue_noted(config))
        err = rescue(auditor, fault);
    if (!err)
        err = hubdb_open(hub, config, fault);
    if (err != ERR_CORRUPT || hubdb_is_server(config->path))
        return err;
    diag_fault(auditor->diag, DIAG_ERROR, "hub.damaged", fault);
    err = rescue(auditor, fault);
    return err ? err : hubdb_open(hub, config, fault);
}

/* --- The rest -------------------------------------------------------------------------------- */

enum err auditor_begin(struct auditor *auditor, struct hubdb *hub, struct fault *fault)
{
    const struct verify_wish wish = {.report = found, .context = auditor};
    enum err err = verify_tail(hub, &wish, fault);
    if (!err)
        err = hubdb_open_beside(&auditor->hub, &auditor->config, true, fault);
    if (err)
        return err;
    if (!hubdb_on_server(hub))
        sqlite3_progress_handler(database_handle(hubdb_database(auditor->hub)), STEPS, interrupts,
                                 auditor);
    int code = pthread_create(&auditor->thread, NULL, run, auditor);
    auditor->running = code == 0;
    return code ? fault_errno(fault, code, "", "starting a thread") : ERR_OK;
}

void auditor_close(struct auditor *auditor)
{
    if (!auditor)
        return;
    const struct sched_param usual = {0};
    __atomic_store_n(&auditor->stopping, true, __ATOMIC_RELAXED);
    if (auditor->running) {
        /* An idle thread would hardly get to stop on a busy machine, and somebody waits for it. */
        (void)pthread_setschedparam(auditor->thread, SCHED_OTHER, &usual);
        (void)pthread_join(auditor->thread, NULL);
    }
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
