/*
 * A batch's header: the input's lines are properties, NAME=VALUE. What is taken is written so that
 * it reads the same again, and describes a batch that there can be.
 */
#include "sync/contract/batch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PROPERTIES_MAX = 16, VALUE_MAX = 128 };

struct properties {
    struct {
        char *name;
        char *value;
    } list[PROPERTIES_MAX];
    size_t count;
    char text[PROPERTIES_MAX * VALUE_MAX]; /* of those that were put */
};

static void require(bool holds)
{
    if (!holds)
        abort();
}

static const char *get(void *context, const char *name)
{
    const struct properties *properties = context;
    for (size_t i = 0; i < properties->count; i++)
        if (strcmp(properties->list[i].name, name) == 0)
            return properties->list[i].value;
    return NULL;
}

static void put(void *context, const char *name, const char *value)
{
    struct properties *properties = context;
    char *at = properties->text + properties->count * VALUE_MAX;
    require(properties->count < PROPERTIES_MAX && strlen(name) + strlen(value) + 2 <= VALUE_MAX);
    properties->list[properties->count].name = at;
    properties->list[properties->count++].value = at + strlen(name) + 1;
    (void)snprintf(at, VALUE_MAX, "%s%c%s", name, '\0', value);
}

static void take_apart(char *text, struct properties *properties)
{
    for (char *line; (line = strsep(&text, "\n")) && properties->count < PROPERTIES_MAX;) {
        char *equals = strchr(line, '=');
        if (!equals)
            continue;
        *equals = '\0';
        properties->list[properties->count].name = line;
        properties->list[properties->count++].value = equals + 1;
    }
}

static bool same(const struct batch_header *a, const struct batch_header *b)
{
    return id_equal(&a->log, &b->log) && a->stream == b->stream && a->first == b->first &&
           a->last == b->last && sha256_equal(&a->prev, &b->prev) &&
           sha256_equal(&a->hash, &b->hash) && a->has_parent == b->has_parent &&
           (!a->has_parent ||
            (id_equal(&a->parent.log, &b->parent.log) && a->parent.seq == b->parent.seq &&
             sha256_equal(&a->parent.hash, &b->parent.hash)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct properties came = {.count = 0};
    struct properties again = {.count = 0};
    struct batch_header header;
    struct batch_header header_again;
    char *text = strndup((const char *)data, size);
    require(text != NULL);
    take_apart(text, &came);
    if (batch_header_read(&header, get, &came, NULL) == ERR_OK) {
        require(header.first >= 1 && header.last >= header.first);
        require(header.last - header.first < BATCH_EVENTS_MAX);
        batch_header_write(&header, put, &again);
        require(batch_header_read(&header_again, get, &again, NULL) == ERR_OK);
        require(same(&header, &header_again));
    }
    free(text);
    return 0;
}
