#include "hal/base/json_escape.h"

#include "hal/base/hex.h"

#include <string.h>

/* Four hexadecimal digits; -1 if they aren't there. */
static int32_t code_unit(const char *at, const char *end)
{
    uint8_t bytes[2];
    if (end - at < 4 || hex_decode((struct slice){at, 4}, bytes, 2) != ERR_OK)
        return -1;
    return bytes[0] << 8 | bytes[1];
}

bool json_escape_read(const char *at, const char *end, uint32_t *character, size_t *len)
{
    static const char names[] = "\"\\/bfnrt";
    static const char meant[] = "\"\\/\b\f\n\r\t";
    if (at == end || *at == '\0')
        return false;
    const char *name = strchr(names, *at);
    if (name) {
        *character = (uint32_t)meant[name - names];
        *len = 1;
        return true;
    }
    int32_t high = *at == 'u' ? code_unit(at + 1, end) : -1;
    if (high <= 0 || (high >= 0xdc00 && high <= 0xdfff))
        return false;
    *character = (uint32_t)high;
    *len = 5;
    if (high < 0xd800 || high > 0xdbff)
        return true;
    if (end - at < 11 || at[5] != '\\' || at[6] != 'u')
        return false;
    int32_t low = code_unit(at + 7, end);
    if (low < 0xdc00 || low > 0xdfff)
        return false;
    *character = 0x10000 + ((uint32_t)(high - 0xd800) << 10) + (uint32_t)(low - 0xdc00);
    *len = 11;
    return true;
}
