/* A text that code_parse takes is written so that it reads the same again. */
#include "provisioning/code.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct code first, second;
    char text[CODE_TEXT + 1];
    if (code_parse((struct slice){(const char *)data, size}, &first, NULL) != ERR_OK)
        return 0;
    code_format(&first, text);
    if (code_parse(slice_of(text), &second, NULL) != ERR_OK ||
        memcmp(&first, &second, sizeof first) != 0)
        abort();
    return 0;
}
