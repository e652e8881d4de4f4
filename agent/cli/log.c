#include "agent/cli/cli.h"
#include "hal/storage.h"

#include <limits.h>
#include <unistd.h>

/* Said before the database is asked: it would only say that it can't open a file. */
static enum err check_folder(const char *folder, struct fault *fault)
{
    char path[PATH_MAX];
    enum err err = storage_path(path, sizeof path, folder, "tillback.db");
    if (err)
        return fault_set(fault, err, "--state", "the path is too long");
    if (access(path, F_OK) != 0)
        return fault_set(fault, ERR_NOT_FOUND, folder,
                         "no event log is here; name the folder that tillbackd has as --state");
    return ERR_OK;
}

enum err cli_log_open(struct cli_log *log, const char *folder, struct fault *fault)
{
    enum err err = check_folder(folder, fault);
    if (!err)
        err = clock_open(&log->clock, 0, fault);
    if (err)
        return err;
    views_define(log->views);
    log->config = (struct eventlog_config){
        .folder = folder,
        .device_id = "",
        .store = "",
        .clock = log->clock,
        .views = log->views,
        .view_count = VIEWS_COUNT,
    };
    return eventlog_reader_open(&log->reader, &log->config, fault);
}

void cli_log_cleanup(struct cli_log *log)
{
    eventlog_reader_close(log->reader);
    clock_close(log->clock);
}
