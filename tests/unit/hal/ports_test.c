#include "hal/ports.h"
#include "hal/storage.h"
#include "tests/support/scratch.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void make(const struct scratch *root, const char *name, const char *text)
{
    char path[PATH_MAX];
    for (const char *at = name; at; at = strchr(at + 1, '/')) {
        (void)snprintf(path, sizeof path, "%s%.*s", root->path, (int)(at - name), name);
        assert_int_equal(storage_make_folder(path, NULL), ERR_OK);
    }
    (void)snprintf(path, sizeof path, "%s%s", root->path, name);
    assert_int_equal(storage_replace(path, slice_of(text), 0600, NULL), ERR_OK);
}

static const struct port *find(const struct ports *ports, const char *word)
{
    for (size_t i = 0; i < ports->count; i++)
        if (strstr(ports->list[i].device, word))
            return &ports->list[i];
    return NULL;
}

static void keyboard_is_named_by_what_stays_the_same(void **state)
{
    struct scratch root;
    struct ports ports;
    char link[PATH_MAX];
    (void)state;
    scratch_make(&root);
    make(&root, "/dev/input/event3", "");
    make(&root, "/dev/input/by-id/.keep", "");
    make(&root, "/sys/class/input/event3/device/name", "Honeywell 1900\n");
    make(&root, "/sys/class/input/event3/device/id/vendor", "0c2e\n");
    make(&root, "/sys/class/input/event3/device/uniq", "S123\n");
    (void)snprintf(link, sizeof link, "%s/dev/input/by-id/usb-Honeywell_S123-event-kbd", root.path);
    assert_int_equal(symlink("../event3", link), 0);
    (void)snprintf(link, sizeof link, "%s/dev/input/by-id/usb-Mouse-event-mouse", root.path);
    assert_int_equal(symlink("../event3", link), 0);
    ports_find(root.path, &ports);
    const struct port *port = find(&ports, "by-id/usb-Honeywell_S123-event-kbd");
    assert_non_null(port);
    assert_int_equal(strncmp(port->device, "hid:", 4), 0);
    assert_string_equal(port->product, "Honeywell 1900");
    assert_string_equal(port->vendor, "0c2e");
    assert_string_equal(port->serial_number, "S123");
    assert_null(find(&ports, "mouse"));
    scratch_remove(&root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(keyboard_is_named_by_what_stays_the_same)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
