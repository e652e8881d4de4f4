/* Any scan: what is read from it is UTF-8, within its limits, and an item's number has a check
 * digit. */
#include "agent/capture/scan_text.h"
#include "agent/returns/gtin.h"
#include "hal/base/utf8.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

/* The first byte chooses the AIM identifier. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const aims[] = {"", "C1", "d2", "Q1", "Q3", "E0", "e0", "J1"};
    static struct scan_formats *formats;
    if (!formats)
        require(scan_formats_open(&formats, NULL, NULL) == ERR_OK);
    if (size < 2)
        return 0;
    struct arena arena;
    struct scan_meaning meaning;
    struct slice text = {(const char *)data + 1, size - 1};
    arena_init(&arena, 1024 * 1024);
    scan_interpret(text, aims[data[0] % 8], formats, &arena, &meaning);
    require(utf8_valid(slice_of(meaning.receipt)));
    require(!meaning.gtin[0] || gtin_valid(slice_of(meaning.gtin)));
    for (size_t i = 0; i < meaning.fields.count; i++)
        require(utf8_valid(slice_of(meaning.fields.list[i].value)));
    require(meaning.kind != SCAN_CARD || meaning.fields.count == 0);

    struct scan_formats *read = NULL;
    if (scan_formats_read(&read, text, NULL) == ERR_OK) {
        struct scan_receipt receipt;
        (void)scan_formats_find(read, slice_of("0042-01-20261122-0017"), &receipt);
        scan_formats_close(read);
    }
    arena_free(&arena);
    return 0;
}
