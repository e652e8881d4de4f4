/* A logo that is taken has just the dots that its size says. */
#include "agent/print/logo.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct logo logo = {0};
    if (logo_read((struct slice){(const char *)data, size}, &logo, NULL) == ERR_OK &&
        (logo.width > LOGO_WIDTH_MAX || logo.height > LOGO_HEIGHT_MAX ||
         logo.bits.len != (size_t)(logo.width + 7) / 8 * (size_t)logo.height))
        abort();
    logo_free(&logo);
    return 0;
}
