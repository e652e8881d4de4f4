/* Configurations, reports on them, commands and replies: what is taken reads the same again. */
#include "hal/base/cleanup.h"
#include "sync/contract/command.h"
#include "sync/contract/config_report.h"

#include <stdlib.h>

static void require(bool ok)
{
    if (!ok)
        abort();
}

static void try_config(struct slice text)
{
    struct config config;
    struct config again;
    struct fault fault;
    struct buf out CLEANUP(buf_free);
    buf_init(&out, 2 * CONFIG_BYTES_MAX);
    if (config_read(text, &config, &fault) != ERR_OK)
        return;
    for (int i = 0;
         config_settings_check(config.settings, &fault) == ERR_OK && i < CONFIG_SECTION_COUNT; i++)
        (void)config_section_of(config.settings, (enum config_section)i);
    config_write(&out, &config);
    require(out.len > CONFIG_BYTES_MAX || config_read(buf_slice(&out), &again, NULL) == ERR_OK);
}

static void try_report(struct slice text)
{
    struct config_report report;
    struct buf out CLEANUP(buf_free);
    buf_init(&out, CONFIG_REPORT_BYTES_MAX);
    if (config_report_read(text, &report, NULL) != ERR_OK)
        return;
    config_report_write(&out, &report);
    require(out.failed || config_report_read(buf_slice(&out), &report, NULL) == ERR_OK);
}

static void try_ack(struct slice text)
{
    struct config_ack ack;
    enum err err = config_ack_read(text, &ack, NULL);
    (void)err;
}

static void try_command(struct slice text)
{
    struct command command;
    struct buf out CLEANUP(buf_free);
    buf_init(&out, COMMAND_BYTES_MAX);
    if (command_read(text, &command, NULL) != ERR_OK)
        return;
    command_write(&out, &command);
    require(out.failed || command_read(buf_slice(&out), &command, NULL) == ERR_OK);
}

static void try_reply(struct slice text)
{
    struct command_reply reply;
    struct buf out CLEANUP(buf_free);
    buf_init(&out, COMMAND_REPLY_BYTES_MAX);
    if (command_reply_read(text, &reply, NULL) != ERR_OK)
        return;
    command_reply_write(&out, &reply);
    require(out.failed || command_reply_read(buf_slice(&out), &reply, NULL) == ERR_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct slice text = {(const char *)data, size};
    try_config(text);
    try_report(text);
    try_ack(text);
    try_command(text);
    try_reply(text);
    return 0;
}
