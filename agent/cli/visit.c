#include "agent/cli/visit.h"
#include "agent/service/binding.h"
#include "agent/service/setup.h"
#include "hal/base/cleanup.h"
#include "hal/base/json_scan.h"
#include "hal/base/version.h"
#include "hal/storage.h"
#include "hal/time_floor.h"

#include <string.h>
#include <unistd.h>

enum { ANSWER_MAX = 1024 * 1024, TIMEOUT_S_MAX = 120 };

void visit_close(struct visit *visit)
{
    if (visit->lock >= 0)
        storage_unlock(visit->lock);
    settings_close(visit->settings);
    clock_close(visit->clock);
}

/* --config and --set, as tillbackd takes them. */
static enum err load_settings(const struct cli *cli, struct settings **settings,
                              struct fault *fault)
{
    enum err err = settings_open(settings, appliance_settings, appliance_setting_count, fault);
    for (int i = 0; !err && i + 1 < cli->argc; i++) {
        if (strcmp(cli->argv[i], "--config") == 0)
            err = settings_load(*settings, cli->argv[++i], fault);
        else if (strcmp(cli->argv[i], "--set") == 0)
            err = settings_set(*settings, cli->argv[++i], fault);
    }
    return err;
}

static bool answers(const struct cli *cli)
{
    struct buf answer CLEANUP(buf_free);
    struct fault fault;
    buf_init(&answer, ANSWER_MAX);
    return cli_get(cli, "/v1/status", &answer, &fault) == ERR_OK;
}

/* A folder that isn't there can't be in use. */
static enum err lock_folder(struct visit *visit, const char *folder, struct fault *fault)
{
    if (access(folder, F_OK) != 0)
        return ERR_OK;
    enum err err = storage_lock(folder, &visit->lock, fault);
    if (err == ERR_LOCKED)
        return fault_set(fault, ERR_UNREACHABLE, folder,
                         "tillbackd runs there and doesn't answer: wait, or restart it");
    return err == ERR_READ_ONLY || err == ERR_FORBIDDEN ? ERR_OK : err; /* the doctor says so */
}

enum err visit_open(struct visit *visit, const struct cli *cli, struct fault *fault)
{
    *visit = (struct visit){.lock = -1};
    if (answers(cli)) {
        visit->running = true;
        return ERR_OK;
    }
    if (cli->url)
        return fault_set(fault, ERR_UNREACHABLE, cli->url, "the appliance can't be reached");
    enum err err = lock_folder(visit, cli->state, fault);
    if (!err)
        err = load_settings(cli, &visit->settings, fault);
    if (!err)
        err = clock_open(&visit->clock, time_floor_read(cli->state, TILLBACK_BUILD_MS), fault);
    if (err)
        return err;
    views_define(visit->views);
    visit->log_config = (struct eventlog_config){.folder = cli->state,
                                                 .device_id = "",
                                                 .store = "",
                                                 .clock = visit->clock,
                                                 .views = visit->views,
                                                 .view_count = VIEWS_COUNT};
    bool member = membership_read(&visit->member, cli->state, visit->settings,
                                  &visit->member_fault) == ERR_OK;
    visit->subject = (struct doctor_subject){.folder = cli->state,
                                             .settings = visit->settings,
                                             .member = member ? &visit->member : NULL,
                                             .member_fault = &visit->member_fault,
                                             .log_config = &visit->log_config,
                                             .clock = visit->clock,
                                             .root = ""};
    return ERR_OK;
}

bool visit_only_options(const struct cli *cli, int first, const char *const *options)
{
    for (int i = first; i < cli->argc; i += 2) {
        bool known = false;
        for (size_t o = 0; options[o]; o++)
            known |= strcmp(cli->argv[i], options[o]) == 0;
        if (!known || i + 1 >= cli->argc)
            return false;
    }
    return true;
}

enum err visit_timeout(const struct cli *cli, int64_t *timeout_s, struct fault *fault)
{
    *timeout_s = BINDING_TIMEOUT_MS / 1000;
    const char *text = cli_option(cli, "--timeout-s");
    if (text && (json_scan_int(slice_of(text), timeout_s) != ERR_OK || *timeout_s < 1 ||
                 *timeout_s > TIMEOUT_S_MAX))
        return fault_set(fault, ERR_INVALID, "--timeout-s", "must be 1 to %d", TIMEOUT_S_MAX);
    return ERR_OK;
}
