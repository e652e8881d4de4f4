#include "hal/base/random.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

void random_fill(void *unused_context, uint8_t *bytes, size_t len)
{
    (void)unused_context;
    while (len > 0) {
        ssize_t got = getrandom(bytes, len, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            abort(); /* without randomness there are no ids and no keys */
        bytes += got;
        len -= (size_t)got;
    }
}
