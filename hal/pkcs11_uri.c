#include "hal/pkcs11_uri.h"
#include "hal/base/hex.h"

#include <string.h>

static const char scheme[] = "pkcs11:";

/* --- Reading --------------------------------------------------------------------------------- */

/* "%41b" is "Ab" (RFC 3986, section 2.1). */
static enum err decode(struct slice value, uint8_t *out, size_t max, size_t *len)
{
    size_t count = 0;
    for (size_t i = 0; i < value.len; i++) {
        uint8_t byte = (uint8_t)value.data[i];
        if (byte == '%') {
            if (value.len - i < 3 || hex_decode((struct slice){value.data + i + 1, 2}, &byte, 1))
                return ERR_INVALID;
            i += 2;
        }
        if (count == max)
            return ERR_TOO_LARGE;
        out[count++] = byte;
    }
    *len = count;
    return ERR_OK;
}

static enum err decode_text(struct slice value, char *out, size_t max, const char *name,
                            struct fault *fault)
{
    size_t len;
    enum err err = decode(value, (uint8_t *)out, max, &len);
    if (err || len == 0 || memchr(out, '\0', len))
        return fault_set(fault, ERR_INVALID, name, "must be 1 to %zu characters", max);
    out[len] = '\0';
    return ERR_OK;
}

static enum err decode_path(struct slice value, char *out, const char *name, struct fault *fault)
{
    static const char file[] = "file:";
    if (value.len >= sizeof file - 1 && memcmp(value.data, file, sizeof file - 1) == 0)
        value = (struct slice){value.data + sizeof file - 1, value.len - (sizeof file - 1)};
    enum err err = decode_text(value, out, PKCS11_PATH_MAX, name, fault);
    if (!err && out[0] != '/')
        err = fault_set(fault, ERR_INVALID, name, "must be an absolute path");
    return err;
}

static enum err take(struct pkcs11_uri *uri, struct slice name, struct slice value,
                     struct fault *fault)
{
    if (slice_is(name, "token"))
        return decode_text(value, uri->label, PKCS11_LABEL_MAX, "token", fault);
    if (slice_is(name, "serial"))
        return decode_text(value, uri->serial, PKCS11_SERIAL_MAX, "serial", fault);
    if (slice_is(name, "id"))
        return decode(value, uri->id, PKCS11_ID_MAX, &uri->id_len)
                   ? fault_set(fault, ERR_INVALID, "id", "must be 1 to %d bytes", PKCS11_ID_MAX)
                   : ERR_OK;
    if (slice_is(name, "module-path"))
        return decode_path(value, uri->module_path, "module-path", fault);
    if (slice_is(name, "pin-source"))
        return decode_path(value, uri->pin_path, "pin-source", fault);
    if (slice_is(name, "pin-value"))
        return fault_set(fault, ERR_UNSUPPORTED, "pin-value",
                         "a PIN doesn't belong here: write it to a file (mode 0600) and give "
                         "pin-source=PATH");
    return fault_set(fault, ERR_INVALID, "pkcs11",
                     "only token, serial, id, module-path and pin-source are known here");
}

/* One "name=value" after the other, up to the text's end. */
static enum err take_all(struct pkcs11_uri *uri, struct slice text, char separator,
                         struct fault *fault)
{
    while (text.len > 0) {
        const char *end = memchr(text.data, separator, text.len);
        size_t len = end ? (size_t)(end - text.data) : text.len;
        const char *equals = memchr(text.data, '=', len);
        if (!equals)
            return fault_set(fault, ERR_INVALID, "pkcs11", "name=value was expected");
        const size_t name_len = (size_t)(equals - text.data);
        enum err err = take(uri, (struct slice){text.data, name_len},
                            (struct slice){equals + 1, len - name_len - 1}, fault);
        if (err)
            return err;
        size_t done = end ? len + 1 : len;
        text = (struct slice){text.data + done, text.len - done};
    }
    return ERR_OK;
}

enum err pkcs11_uri_parse(const char *text, struct pkcs11_uri *out, struct fault *fault)
{
    struct pkcs11_uri uri = {.id_len = 0};
    if (strncmp(text, scheme, sizeof scheme - 1) != 0)
        return fault_set(fault, ERR_INVALID, "pkcs11", "a token's address begins with pkcs11:");
    const char *path = text + sizeof scheme - 1;
    const char *query = strchr(path, '?');
    const size_t path_len = query ? (size_t)(query - path) : strlen(path);
    enum err err = take_all(&uri, (struct slice){path, path_len}, ';', fault);
    if (!err && query)
        err = take_all(&uri, slice_of(query + 1), '&', fault);
    if (!err && !uri.module_path[0])
        err = fault_set(fault, ERR_INVALID, "module-path", "is missing: whose library is it?");
    if (!err && !uri.label[0] && !uri.serial[0])
        err = fault_set(fault, ERR_INVALID, "token", "token= or serial= must say which one");
    if (!err)
        *out = uri;
    return err;
}

/* --- Writing --------------------------------------------------------------------------------- */

static void print_value(struct buf *out, const char *name, const void *value, size_t len)
{
    static const char plain[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~/";
    const uint8_t *bytes = value;
    buf_append_text(out, name);
    for (size_t i = 0; i < len; i++)
        if (bytes[i] && strchr(plain, bytes[i]))
            buf_append_char(out, (char)bytes[i]);
        else
            buf_printf(out, "%%%02X", bytes[i]);
}

void pkcs11_uri_print(const struct pkcs11_uri *uri, struct buf *out)
{
    const char *before = "";
    buf_append_text(out, scheme);
    if (uri->label[0]) {
        print_value(out, "token=", uri->label, strlen(uri->label));
        before = ";";
    }
    if (uri->serial[0]) {
        buf_append_text(out, before);
        print_value(out, "serial=", uri->serial, strlen(uri->serial));
    }
    if (uri->id_len > 0)
        print_value(out, ";id=", uri->id, uri->id_len);
    print_value(out, "?module-path=", uri->module_path, strlen(uri->module_path));
    if (uri->pin_path[0])
        print_value(out, "&pin-source=", uri->pin_path, strlen(uri->pin_path));
}
