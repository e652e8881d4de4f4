#include "hal/base/id.h"
#include "hal/base/hex.h"
#include "hal/base/random.h"

#include <string.h>

void id_source_init(struct id_source *source, id_random *random, void *context)
{
    *source = (struct id_source){.random = random ? random : random_fill, .context = context};
}

int64_t id_time_ms(const struct id *id)
{
    int64_t ms = 0;
    for (int i = 0; i < 6; i++)
        ms = ms << 8 | id->bytes[i];
    return ms;
}

static void set_time(struct id *id, int64_t ms)
{
    for (int i = 5; i >= 0; i--, ms >>= 8)
        id->bytes[i] = (uint8_t)(ms & 0xff);
}

/* Counts the random tail up by one, so that ids of one millisecond still grow. */
static bool count_up(struct id *id)
{
    for (int i = ID_BYTES - 1; i > 8; i--)
        if (++id->bytes[i] != 0)
            return true;
    return false;
}

struct id id_next(struct id_source *source, int64_t now_ms)
{
    struct id *last = &source->last;
    bool first = last->bytes[6] == 0; /* else its version is there */
    if (first || now_ms > id_time_ms(last) || !count_up(last)) {
        int64_t ms = now_ms > id_time_ms(last) ? now_ms : id_time_ms(last) + 1;
        source->random(source->context, last->bytes + 6, ID_BYTES - 6);
        set_time(last, ms);
        last->bytes[6] = (uint8_t)(0x70 | (last->bytes[6] & 0x0f));
        last->bytes[8] = (uint8_t)(0x80 | (last->bytes[8] & 0x3f));
        last->bytes[9] &= 0x7f; /* room to count up */
    }
    return *last;
}

void id_format(const struct id *id, char text[static ID_TEXT + 1])
{
    static const uint8_t groups[] = {4, 2, 2, 2, 6};
    const uint8_t *from = id->bytes;
    for (size_t g = 0; g < sizeof groups; g++) {
        if (g)
            *text++ = '-';
        hex_encode(from, groups[g], text);
        text += groups[g] * 2;
        from += groups[g];
    }
}

enum err id_parse(struct slice text, struct id *id)
{
    static const uint8_t groups[] = {4, 2, 2, 2, 6};
    if (text.len != ID_TEXT)
        return ERR_INVALID;
    struct id parsed;
    uint8_t *to = parsed.bytes;
    const char *from = text.data;
    for (size_t g = 0; g < sizeof groups; g++) {
        if (g && *from++ != '-')
            return ERR_INVALID;
        if (hex_decode((struct slice){from, groups[g] * 2u}, to, groups[g]) != ERR_OK)
            return ERR_INVALID;
        from += groups[g] * 2;
        to += groups[g];
    }
    *id = parsed;
    return ERR_OK;
}

bool id_equal(const struct id *a, const struct id *b)
{
    return memcmp(a->bytes, b->bytes, ID_BYTES) == 0;
}
