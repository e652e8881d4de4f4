#include "sync/hub/ingest/centre_queue.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

void centre_queue_close(struct centre_queue *queue)
{
    for (size_t i = 0; i < queue->count; i++)
        free(queue->texts[i]);
    queue->count = 0;
}

enum err centre_queue_record(struct centre_queue *queue, struct fault *fault)
{
    char devices[CENTRE_QUEUE_MAX][DEVICE_ID_MAX + 1] = {""};
    enum err err = centre_record_all(queue->db, queue->facts, queue->count, devices, fault);
    for (size_t i = 0; !err && i < queue->count; i++)
        queue->told(queue->context, devices[i]);
    centre_queue_close(queue);
    return err;
}

enum err centre_queue_add(struct centre_queue *queue, const struct centre_fact *fact,
                          struct fault *fault)
{
    assert(!fact->device);
    size_t key = fact->key ? strlen(fact->key) + 1 : 0;
    size_t subject = fact->subject ? strlen(fact->subject) + 1 : 0;
    enum err err = queue->count == CENTRE_QUEUE_MAX ? centre_queue_record(queue, fault) : ERR_OK;
    char *text = err ? NULL : malloc(key + subject + fact->data.len + 1);
    if (!text)
        return err ? err : fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    struct centre_fact *kept = &queue->facts[queue->count];
    *kept = *fact;
    if (key)
        kept->key = memcpy(text, fact->key, key);
    if (subject)
        kept->subject = memcpy(text + key, fact->subject, subject);
    if (fact->data.len)
        memcpy(text + key + subject, fact->data.data, fact->data.len);
    kept->data = (struct slice){text + key + subject, fact->data.len};
    queue->texts[queue->count++] = text;
    return ERR_OK;
}
