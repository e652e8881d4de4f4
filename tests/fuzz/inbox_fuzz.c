/*
 * A message's place (epoch, line feed, number) and the appliance's watermark: what is taken is
 * written as it was read.
 */
#include "hal/base/cleanup.h"
#include "sync/contract/inbox.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

struct properties {
    char epoch[64];
    char number[64];
};

static char *text_of(struct properties *p, const char *name)
{
    return strcmp(name, "hub_epoch") == 0 ? p->epoch : p->number;
}

static const char *get(void *context, const char *name)
{
    return text_of(context, name);
}

static void put(void *context, const char *name, const char *value)
{
    (void)snprintf(text_of(context, name), sizeof(((struct properties *)0)->epoch), "%s", value);
}

static void place(const uint8_t *data, size_t size)
{
    struct properties p = {0};
    struct inbox_place read;
    struct inbox_place again;
    struct fault fault;
    const uint8_t *feed = size ? memchr(data, '\n', size) : NULL;
    size_t first = feed ? (size_t)(feed - data) : size;
    size_t second = feed ? size - first - 1 : 0;
    if (first >= sizeof p.epoch || second >= sizeof p.number)
        return;
    memcpy(p.epoch, data, first);
    memcpy(p.number, data + size - second, second);
    if (inbox_place_read(&read, get, &p, &fault) != ERR_OK)
        return;
    inbox_place_write(&read, put, &p);
    require(inbox_place_read(&again, get, &p, &fault) == ERR_OK);
    require(again.hub_epoch == read.hub_epoch && again.number == read.number &&
            again.after == read.after);
}

static void watermark(struct slice text)
{
    struct buf out CLEANUP(buf_free);
    buf_init(&out, 1024);
    struct inbox_ack read;
    struct inbox_ack again;
    struct fault fault;
    if (inbox_ack_read(text, &read, &fault) != ERR_OK)
        return;
    inbox_ack_write(&out, &read);
    require(inbox_ack_read(buf_slice(&out), &again, &fault) == ERR_OK);
    require(again.hub_epoch == read.hub_epoch && again.through == read.through);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size)
        place(data, size);
    watermark((struct slice){(const char *)data, size});
    return 0;
}
