/* Questions and answers: what is taken is written so that it reads and writes the same again. */
#include "hal/base/cleanup.h"
#include "sync/contract/sale_query.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void question(struct slice text)
{
    struct buf first CLEANUP(buf_free);
    struct buf second CLEANUP(buf_free);
    buf_init(&first, 4096);
    buf_init(&second, 4096);
    struct sale_query query;
    struct fault fault;
    if (sale_query_read(text, &query, &fault) != ERR_OK)
        return;
    sale_query_write(&first, &query);
    require(sale_query_read(buf_slice(&first), &query, &fault) == ERR_OK);
    sale_query_write(&second, &query);
    require(slice_equal(buf_slice(&first), buf_slice(&second)));
}

static void answer(struct slice text)
{
    struct buf first CLEANUP(buf_free);
    struct buf second CLEANUP(buf_free);
    buf_init(&first, SALE_REPLY_BYTES_MAX);
    buf_init(&second, SALE_REPLY_BYTES_MAX);
    struct sale_reply reply;
    struct sale_reply again;
    struct fault fault;
    if (sale_reply_read(text, &reply, &fault) != ERR_OK)
        return;
    sale_reply_write(&first, &reply);
    require(sale_reply_read(buf_slice(&first), &again, &fault) == ERR_OK);
    sale_reply_write(&second, &again);
    require(slice_equal(buf_slice(&first), buf_slice(&second)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    question((struct slice){(const char *)data, size});
    answer((struct slice){(const char *)data, size});
    return 0;
}
