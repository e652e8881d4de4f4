#include "sync/contract/topic.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

enum { NAME_MAX_BYTES = 64 };

static const char prefix[] = "tb/v1/";

static bool is_letter_or_digit(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool device_id_valid(struct slice text)
{
    if (text.len == 0 || text.len > DEVICE_ID_MAX || !is_letter_or_digit(text.data[0]))
        return false;
    for (size_t i = 1; i < text.len; i++)
        if (!is_letter_or_digit(text.data[i]) && !memchr("._-", text.data[i], 3))
            return false;
    return true;
}

/* Lower-case words, '/' between them: what no wildcard can hide in. */
static bool name_valid(const char *name)
{
    size_t len = strlen(name);
    if (len == 0 || len > NAME_MAX_BYTES || name[len - 1] == '/')
        return false;
    char before = '/';
    for (const char *at = name; *at; before = *at++) {
        bool plain =
            (*at >= 'a' && *at <= 'z') || (*at >= '0' && *at <= '9') || *at == '-' || *at == '_';
        if (!plain && !(*at == '/' && before != '/'))
            return false;
    }
    return true;
}

void topic_write(char out[static TOPIC_MAX], const char *device, enum topic_direction direction,
                 const char *name)
{
    assert(device_id_valid(slice_of(device)) && name_valid(name));
    (void)snprintf(out, TOPIC_MAX, "%s%s/%s/%s", prefix, device,
                   direction == TOPIC_UP ? "up" : "down", name);
}

enum err topic_read(const char *text, struct topic *topic)
{
    if (strncmp(text, prefix, sizeof prefix - 1) != 0)
        return ERR_INVALID;
    const char *device = text + sizeof prefix - 1;
    struct topic read = {.direction = TOPIC_UP};
    size_t len = strcspn(device, "/");
    if (!device_id_valid((struct slice){device, len}))
        return ERR_INVALID;
    memcpy(read.device, device, len);
    const char *rest = device + len;
    if (strncmp(rest, "/up/", 4) == 0)
        read.name = rest + 4;
    else if (strncmp(rest, "/down/", 6) == 0)
        read.name = rest + 6;
    if (!read.name || !name_valid(read.name))
        return ERR_INVALID;
    if (rest[1] == 'd')
        read.direction = TOPIC_DOWN;
    *topic = read;
    return ERR_OK;
}
