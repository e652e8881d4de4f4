/*
 * Where sales and returns come in by themselves, without anybody asking the API: POSLog documents
 * from a folder, and taps on tills' printer lines. The POSLog desk also serves the API. Loop thread
 * only.
 */
#ifndef AGENT_INTAKE_H
#define AGENT_INTAKE_H

#include "agent/capture/poslog.h"
#include "hal/base/diag.h"
#include "hal/settings.h"

struct intake;

/* Borrowed, but for the settings. */
struct intake_config {
    struct loop *loop;
    struct diag *diag;
    const struct settings *settings;
    struct capture *capture;
    const struct eventlog_config *log_config;
};

enum err intake_open(struct intake **intake, const struct intake_config *config,
                     struct fault *fault) MUST_CHECK;
/* Nothing more is taken in. Before the log is closed. Takes NULL. */
void intake_stop(struct intake *intake);
void intake_close(struct intake *intake); /* after the log; takes NULL */

struct poslog_desk *intake_poslog(const struct intake *intake);

#endif
