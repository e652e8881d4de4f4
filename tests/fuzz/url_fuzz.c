/* An address that url_parse takes has a host, with nothing in it that separates. */
#include "sync/transport/url.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char text[1024];
    struct url url;
    struct fault fault;
    if (size >= sizeof text)
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    if (url_parse(text, "fuzz", 1, &url, &fault) != ERR_OK)
        return 0;
    if (!url.host[0] || strpbrk(url.host, " \t\r\n/@[]"))
        abort();
    return 0;
}
