/*
 * The status as a technician reads it on a serial line or a bare screen, and `status --watch`,
 * which prints it anew whenever it is otherwise than before. It asks the running appliance and
 * nobody else; blocks for ever.
 */
#ifndef AGENT_CLI_SCREEN_H
#define AGENT_CLI_SCREEN_H

#include "agent/cli/cli.h"
#include "hal/base/json.h"

/* Events that are parked, of all streams, in an answer of GET /v1/status. Pure. */
int64_t screen_count_parked(const struct cJSON *status);
/* Its line about the link. */
void screen_write_link(const struct cJSON *status, struct buf *out);
/* `answer` is that of GET /v1/status. ERR_INVALID. Pure. */
enum err screen_write(struct slice answer, struct buf *out, struct fault *fault) MUST_CHECK;
enum cli_exit screen_watch(const struct cli *cli);

#endif
