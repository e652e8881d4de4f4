/* Lines of diagnostics on their way into a bundle: one line of JSON comes out, or nothing, and of a
 * line whose name isn't known to be harmless no sentence. */
#include "agent/service/harmless.h"
#include "hal/base/cleanup.h"
#include "hal/base/json.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf out CLEANUP(buf_free);
    struct cJSON *doc CLEANUP(json_cleanup) = NULL;
    buf_init(&out, 64 * 1024);
    harmless_line((struct slice){(const char *)data, size}, &out);
    if (out.len == 0)
        return 0;
    if (memchr(out.data, '\n', out.len) != out.data + out.len - 1)
        abort();
    out.len--;
    if (json_parse(buf_slice(&out), JSON_LIMITS_DEFAULT, &doc, NULL) != ERR_OK)
        abort();
    const char *name = json_member_text(doc, "name");
    if (!name || (json_member_text(doc, "text") && strncmp(name, "people.", 7) == 0))
        abort();
    return 0;
}
