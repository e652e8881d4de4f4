/* What link_state_read takes is written so that it reads and writes the same again. */
#include "hal/base/cleanup.h"
#include "sync/contract/link_state.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void write(struct buf *out, const struct link_state *state)
{
    buf_init(out, LINK_STATE_BYTES_MAX);
    struct jsonw w = jsonw_to(out);
    jsonw_object(&w, NULL);
    link_state_write(&w, state);
    jsonw_end(&w);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct link_state state;
    struct fault fault;
    if (link_state_read((struct slice){(const char *)data, size}, &state, &fault) != ERR_OK)
        return 0;
    struct buf first CLEANUP(buf_free);
    struct buf second CLEANUP(buf_free);
    write(&first, &state);
    require(link_state_read(buf_slice(&first), &state, &fault) == ERR_OK);
    write(&second, &state);
    require(slice_equal(buf_slice(&first), buf_slice(&second)));
    return 0;
}
