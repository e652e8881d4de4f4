/* A proxy's answer that is taken as whole begins as HTTP and says 2xx. */
#include "sync/transport/dial.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bool whole = false;
    struct fault fault;
    struct slice answer = {(const char *)data, size};
    enum err err = dial_proxy_answer(answer, &whole, &fault);
    if (whole && (err || memcmp(data, "HTTP/1.", 7) != 0 || !memmem(data, size, " 2", 2)))
        abort();
    return 0;
}
