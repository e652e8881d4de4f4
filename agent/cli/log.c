#include "agent/cli/cli.h"

enum err cli_log_open(struct cli_log *log, const char *folder, struct fault *fault)
{
    enum err err = clock_open(&log->clock, 0, fault);
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
