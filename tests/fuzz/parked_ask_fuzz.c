/* What parked_ask_read takes is written so that it reads the same again. */
#include "hal/base/cleanup.h"
#include "sync/contract/parked_ask.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct parked_ask ask, again;
    struct buf text CLEANUP(buf_free);
    buf_init(&text, PARKED_ASK_BYTES_MAX);
    if (parked_ask_read((struct slice){(const char *)data, size}, &ask, NULL) != ERR_OK)
        return 0;
    parked_ask_write(&text, &ask);
    if (parked_ask_read(buf_slice(&text), &again, NULL) != ERR_OK || again.below != ask.below ||
        !id_equal(&again.log, &ask.log))
        abort();
    return 0;
}
