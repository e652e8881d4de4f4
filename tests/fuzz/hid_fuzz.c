/*
 * Key events as a keyboard-like scanner sends them: a byte for the layout, then three for each
 * event, two of its code and its value. Each types nothing, is unknown, or is a character.
 */
#include "hal/hid_keys.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size)
        return 0;
    struct hid_keys keys = {.layout = (enum hid_layout)(data[0] % HID_LAYOUT_COUNT)};
    for (size_t at = 1; at + 3 <= size; at += 3) {
        unsigned code = data[at] | (unsigned)data[at + 1] << 8;
        int typed = hid_keys_take(&keys, code, (int8_t)data[at + 2]);
        bool none = typed == HID_KEYS_NOTHING || typed == HID_KEYS_UNKNOWN;
        if (!none && (typed <= 0 || typed > 0xffff || (typed >= 0xd800 && typed < 0xe000)))
            abort();
    }
    return 0;
}
