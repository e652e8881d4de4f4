/* What the system's installer answers: read, or refused. */
#include "hal/installer.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fault fault;
    struct installer_answer answer;
    if (installer_answer_read((struct slice){(const char *)data, size}, &answer, &fault) ==
            ERR_OK &&
        !installer_result_name(answer.result))
        abort();
    return 0;
}
