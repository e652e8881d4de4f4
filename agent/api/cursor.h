/*
 * Where a page of a list ended, "<milliseconds>.<id>", as the next page's `cursor` gives it back.
 * Pure, any thread.
 */
#ifndef AGENT_API_CURSOR_H
#define AGENT_API_CURSOR_H

#include "hal/base/id.h"

enum { CURSOR_TEXT = ID_TEXT + 20 };

void cursor_write(char text[static CURSOR_TEXT + 1], int64_t at_ms, const struct id *id);
/* ERR_INVALID unless cursor_write made it. */
enum err cursor_read(const char *text, int64_t *at_ms, struct id *id,
                     struct fault *fault) MUST_CHECK;

#endif
