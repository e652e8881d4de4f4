/*
 * How a technician's command finds the appliance: it runs, and is asked; or it doesn't, and is
 * looked at from here, with the settings that it would start with. Blocks.
 */
#ifndef AGENT_CLI_VISIT_H
#define AGENT_CLI_VISIT_H

#include "agent/cli/cli.h"
#include "agent/service/doctor.h"
#include "agent/views/views.h"
#include "hal/clock.h"

struct visit {
    bool running; /* it does, and answers: it is asked, and nothing below is there */
    int lock;
    struct settings *settings;
    struct clock *clock;
    struct membership member;
    struct fault member_fault;
    struct eventlog_view views[VIEWS_COUNT];
    struct eventlog_config log_config;
    struct doctor_subject subject;
};

/* Takes --config and --set as tillbackd does. While it is open, the appliance can't start. */
enum err visit_open(struct visit *visit, const struct cli *cli, struct fault *fault) MUST_CHECK;
void visit_close(struct visit *visit); /* takes one with `lock` -1 and nothing else, too */

/* Nothing but these options (NULL ends them) stands from `first` on, each with a value. */
bool visit_only_options(const struct cli *cli, int first, const char *const *options);
/* --timeout-s; BINDING_TIMEOUT_MS without. ERR_INVALID. */
enum err visit_timeout(const struct cli *cli, int64_t *timeout_s, struct fault *fault) MUST_CHECK;

#endif
