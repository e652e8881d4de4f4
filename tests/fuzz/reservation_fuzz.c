/* What a holder is asked, and answers: what is taken is written so that it reads and writes the
 * same again. */
#include "hal/base/cleanup.h"
#include "sync/contract/reservation.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void asked(struct slice text)
{
    struct buf first CLEANUP(buf_free);
    struct buf second CLEANUP(buf_free);
    struct reservation read;
    buf_init(&first, RESERVATION_BYTES_MAX);
    buf_init(&second, RESERVATION_BYTES_MAX);
    if (reservation_read(text, &read, NULL) != ERR_OK)
        return;
    reservation_write(&first, &read);
    require(reservation_read(buf_slice(&first), &read, NULL) == ERR_OK);
    reservation_write(&second, &read);
    require(slice_equal(buf_slice(&first), buf_slice(&second)));
}

static void answered(struct slice text)
{
    struct buf first CLEANUP(buf_free);
    struct buf second CLEANUP(buf_free);
    struct reserved read;
    buf_init(&first, RESERVATION_BYTES_MAX);
    buf_init(&second, RESERVATION_BYTES_MAX);
    if (reserved_read(text, &read, NULL) != ERR_OK)
        return;
    reserved_write(&first, &read);
    require(reserved_read(buf_slice(&first), &read, NULL) == ERR_OK);
    reserved_write(&second, &read);
    require(slice_equal(buf_slice(&first), buf_slice(&second)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    asked((struct slice){(const char *)data, size});
    answered((struct slice){(const char *)data, size});
    return 0;
}
