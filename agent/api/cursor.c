#include "agent/api/cursor.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

void cursor_write(char text[static CURSOR_TEXT + 1], int64_t at_ms, const struct id *id)
{
    char id_text[ID_TEXT + 1];
    id_format(id, id_text);
    (void)snprintf(text, CURSOR_TEXT + 1, "%" PRId64 ".%s", at_ms, id_text);
}

enum err cursor_read(const char *text, int64_t *at_ms, struct id *id, struct fault *fault)
{
    char *end = NULL;
    struct id found;
    errno = 0;
    long long ms = text[0] >= '0' && text[0] <= '9' ? strtoll(text, &end, 10) : 0;
    if (!end || errno || *end != '.' || id_parse(slice_of(end + 1), &found) != ERR_OK)
        return fault_set(fault, ERR_INVALID, "cursor", "must come from an earlier page");
    *at_ms = ms;
    *id = found;
    return ERR_OK;
}
