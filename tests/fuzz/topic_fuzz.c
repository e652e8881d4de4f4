/* A topic that topic_read takes is written again to the same text. */
#include "hal/base/cleanup.h"
#include "sync/contract/topic.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf text CLEANUP(buf_free);
    buf_init(&text, 64 * 1024);
    buf_append(&text, data, size);
    if (text.failed)
        return 0;
    struct topic topic;
    char again[TOPIC_MAX];
    if (topic_read(text.data, &topic) != ERR_OK)
        return 0;
    topic_write(again, topic.device, topic.direction, topic.name);
    if (strcmp(again, text.data) != 0)
        abort();
    return 0;
}
