/* Releases: what is taken is written and read as the same. */
#include "hal/base/cleanup.h"
#include "sync/contract/release.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fault fault;
    struct release read;
    struct release again;
    struct buf out CLEANUP(buf_free);
    buf_init(&out, RELEASE_TEXT_MAX);
    if (release_read((struct slice){(const char *)data, size}, &read, &fault) != ERR_OK)
        return 0;
    struct jsonw w = jsonw_to(&out);
    jsonw_object(&w, NULL);
    release_write(&w, &read);
    jsonw_end(&w);
    if (release_read(buf_slice(&out), &again, &fault) != ERR_OK || !release_equal(&read, &again) ||
        strcmp(read.url, again.url) != 0 || read.bytes != again.bytes ||
        read.window.from_minute != again.window.from_minute)
        abort();
    (void)release_window_open(&read.window, (int64_t)size * 60000);
    return 0;
}
