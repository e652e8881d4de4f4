/*
 * Commissioning reports at the centre: `report verify FILE` says which appliance made it, when, and
 * whether the report is still as it was signed.
 */
#ifndef SYNC_HUB_REPORT_COMMAND_H
#define SYNC_HUB_REPORT_COMMAND_H

#include "hal/base/fault.h"

#include <stdint.h>

/*
 * `count` words after "report"; the authority is that of the state directory. Prints the payload,
 * or with `--page OUT` writes the page to be printed. ERR_INVALID for words that make no sense.
 */
enum err report_run(const char *state, int count, char *const *words, int64_t now_ms,
                    struct fault *fault) MUST_CHECK;

#endif
