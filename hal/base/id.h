/*
 * Identifiers: UUID version 7 (RFC 9562, section 5.7), 48 bits of milliseconds and then randomness,
 * growing within one source even when the clock stands still or steps back.
 * A source belongs to one thread.
 */
#ifndef HAL_BASE_ID_H
#define HAL_BASE_ID_H

#include "hal/base/buf.h"

enum { ID_BYTES = 16, ID_TEXT = 36 };

struct id {
    uint8_t bytes[ID_BYTES];
};

/* Fills `len` bytes with randomness. The real one is random_fill (hal/base/random.h). */
typedef void id_random(void *context, uint8_t *bytes, size_t len);

struct id_source {
    id_random *random;
    void *context;
    struct id last;
};

/* `random` NULL takes the kernel's. */
void id_source_init(struct id_source *source, id_random *random, void *context);
/* `now_ms`: milliseconds since 1970, as the clock says, right or wrong. */
struct id id_next(struct id_source *source, int64_t now_ms);

/* Lower-case text with dashes and a NUL. */
void id_format(const struct id *id, char text[static ID_TEXT + 1]);
/* Takes only what id_format writes (upper-case digits too): ERR_INVALID otherwise. */
enum err id_parse(struct slice text, struct id *id) MUST_CHECK;
bool id_equal(const struct id *a, const struct id *b);
/* The milliseconds inside. */
int64_t id_time_ms(const struct id *id);

#endif
