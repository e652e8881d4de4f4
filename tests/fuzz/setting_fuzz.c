/*
 * A line of the settings, of a file or behind --set. What is taken as the place of a key in a token
 * is written so that it reads the same again.
 */
#include "agent/print/setting.h"
#include "agent/service/setup.h"
#include "hal/base/cleanup.h"
#include "hal/pkcs11_uri.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static bool same(const struct pkcs11_uri *a, const struct pkcs11_uri *b)
{
    return strcmp(a->label, b->label) == 0 && strcmp(a->serial, b->serial) == 0 &&
           strcmp(a->module_path, b->module_path) == 0 && strcmp(a->pin_path, b->pin_path) == 0 &&
           a->id_len == b->id_len && memcmp(a->id, b->id, a->id_len) == 0;
}

static void try_uri(const char *text)
{
    struct pkcs11_uri uri;
    struct pkcs11_uri again;
    struct buf out CLEANUP(buf_free);
    buf_init(&out, 8192);
    if (pkcs11_uri_parse(text, &uri, NULL) != ERR_OK)
        return;
    pkcs11_uri_print(&uri, &out);
    require(!out.failed && pkcs11_uri_parse(out.data, &again, NULL) == ERR_OK);
    require(same(&uri, &again));
}

static void try_devices(const char *value)
{
    struct print_setting printer;
    struct device_option options[] = {{.name = "lane"}, {.name = "baud"}, {.name = "prefix"}};
    char device[DEVICE_TEXT_MAX + 1];
    int baud;
    (void)!print_setting_read(value, &printer, NULL);
    if (device_setting_read(value, device, options, sizeof options / sizeof *options, NULL) ==
        ERR_OK)
        (void)!device_option_number(&options[1], 300, 115200, 9600, &baud, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct settings *settings = NULL;
    char *line = strndup((const char *)data, size);
    require(line &&
            settings_open(&settings, appliance_settings, appliance_setting_count, NULL) == ERR_OK);
    (void)!settings_set(settings, line, NULL);
    const char *equals = strchr(line, '=');
    if (equals) {
        try_devices(equals + 1);
        try_uri(equals + 1);
    }
    settings_close(settings);
    free(line);
    return 0;
}
