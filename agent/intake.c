#include "agent/intake.h"
#include "agent/capture/drop_folder.h"
#include "agent/capture/tap.h"

#include <stdlib.h>

enum { TAPS_MAX = 8 };

struct intake {
    struct intake_config config;
    struct poslog_desk *poslog;
    struct drop_folder *folder; /* NULL: none */
    struct tap *taps[TAPS_MAX];
    size_t tap_count;
};

static enum err open_folder(struct intake *intake, struct fault *fault)
{
    const struct drop_folder_config config = {
        .loop = intake->config.loop,
        .desk = intake->poslog,
        .diag = intake->config.diag,
        .path = settings_text(intake->config.settings, "poslog.folder"),
    };
    return config.path ? drop_folder_open(&intake->folder, &config, fault) : ERR_OK;
}

static enum err open_tap(void *context, const char *name, const char *value, struct fault *fault)
{
    struct intake *intake = context;
    if (intake->tap_count == TAPS_MAX)
        return fault_set(fault, ERR_TOO_LARGE, "tap", "at most %d taps", TAPS_MAX);
    const struct tap_config config = {.loop = intake->config.loop,
                                      .capture = intake->config.capture,
                                      .diag = intake->config.diag,
                                      .name = name,
                                      .value = value};
    return tap_open(&intake->taps[intake->tap_count++], &config, fault);
}

enum err intake_open(struct intake **out, const struct intake_config *config, struct fault *fault)
{
    struct intake *intake = calloc(1, sizeof *intake);
    if (!intake)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    intake->config = *config;
    const struct poslog_config poslog = {
        .loop = config->loop,
        .capture = config->capture,
        .log_config = config->log_config,
        .mapping_file = settings_text(config->settings, "poslog.mapping"),
    };
    enum err err = poslog_open(&intake->poslog, &poslog, fault);
    if (!err)
        err = open_folder(intake, fault);
    if (!err)
        err = settings_each(config->settings, "tap.*", open_tap, intake, fault);
    if (err) {
        intake_stop(intake);
        intake_close(intake);
        return err;
    }
    *out = intake;
    return ERR_OK;
}

void intake_stop(struct intake *intake)
{
    if (!intake)
        return;
    for (size_t i = 0; i < intake->tap_count; i++)
        tap_stop(intake->taps[i]);
    drop_folder_close(intake->folder);
    poslog_stop(intake->poslog);
}

void intake_close(struct intake *intake)
{
    if (!intake)
        return;
    for (size_t i = 0; i < intake->tap_count; i++)
        tap_close(intake->taps[i]);
    poslog_close(intake->poslog);
    free(intake);
}

struct poslog_desk *intake_poslog(const struct intake *intake)
{
    return intake->poslog;
}
