#include "hal/ports.h"
#include "hal/base/buf.h"
#include "hal/base/cleanup.h"
#include "hal/storage.h"

#include <glob.h>
#include <libserialport.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATH_BYTES = 512, SMALL_FILE_MAX = 256 };

static struct port *add(struct ports *ports)
{
    if (ports->count == PORTS_MAX)
        return NULL;
    struct port *port = &ports->list[ports->count++];
    *port = (struct port){.device = ""};
    return port;
}

static void set(char *out, const char *text)
{
    (void)snprintf(out, PORT_TEXT_MAX + 1, "%.*s", PORT_TEXT_MAX, text ? text : "");
}

/* The link in the folder that leads to the node, or the node itself: it has no better name. */
static void name_port(struct port *port, const char *root, const char *scheme, const char *pattern)
{
    char path[PATH_BYTES];
    char target[PATH_MAX];
    glob_t found = {.gl_pathc = 0};
    const char *name = port->node;
    (void)snprintf(path, sizeof path, "%s%s", root, pattern);
    if (glob(path, 0, NULL, &found) == 0)
        for (size_t i = 0; i < found.gl_pathc; i++)
            if (realpath(found.gl_pathv[i], target) && strcmp(target, port->node) == 0)
                name = found.gl_pathv[i];
    (void)snprintf(port->device, sizeof port->device, "%s:%.280s", scheme, name);
    globfree(&found);
}

/* --- Serial ---------------------------------------------------------------------------------- */

static void find_serial(const char *root, struct ports *ports)
{
    struct sp_port **list;
    if (sp_list_ports(&list) != SP_OK)
        return;
    for (size_t i = 0; list[i]; i++) {
        /* Those soldered in say nothing of what hangs on them, and there may be dozens. */
        bool pluggable = sp_get_port_transport(list[i]) != SP_TRANSPORT_NATIVE;
        struct port *port = pluggable ? add(ports) : NULL;
        if (!port)
            continue;
        (void)snprintf(port->node, sizeof port->node, "%.*s", PORT_DEVICE_MAX,
                       sp_get_port_name(list[i]));
        set(port->vendor, sp_get_port_usb_manufacturer(list[i]));
        set(port->product, sp_get_port_usb_product(list[i]));
        set(port->serial_number, sp_get_port_usb_serial(list[i]));
        name_port(port, root, "serial", "/dev/serial/by-id/*");
    }
    sp_free_port_list(list);
}

/* --- Keyboards ------------------------------------------------------------------------------- */

static void read_line(const char *folder, const char *name, char *out)
{
    char path[PATH_BYTES];
    struct buf text CLEANUP(buf_free);
    buf_init(&text, SMALL_FILE_MAX);
    (void)snprintf(path, sizeof path, "%.400s/%s", folder, name);
    if (storage_read(path, &text, NULL) == ERR_OK && text.data) {
        text.data[strcspn(text.data, "\n")] = '\0';
        set(out, text.data);
    }
}

/* The links that udev makes for keyboards: whatever else is an input device has no Enter key. */
static void find_keyboards(const char *root, struct ports *ports)
{
    char path[PATH_BYTES];
    char node[PATH_MAX];
    glob_t found = {.gl_pathc = 0};
    (void)snprintf(path, sizeof path, "%s/dev/input/by-id/*-event-kbd", root);
    if (glob(path, 0, NULL, &found) == 0) {
        for (size_t i = 0; i < found.gl_pathc; i++) {
            struct port *port = realpath(found.gl_pathv[i], node) ? add(ports) : NULL;
            if (!port)
                continue;
            (void)snprintf(port->node, sizeof port->node, "%.*s", PORT_DEVICE_MAX, node);
            (void)snprintf(port->device, sizeof port->device, "hid:%.280s", found.gl_pathv[i]);
            (void)snprintf(path, sizeof path, "%s/sys/class/input/%.100s/device", root,
                           strrchr(node, '/') + 1);
            read_line(path, "name", port->product);
            read_line(path, "id/vendor", port->vendor);
            read_line(path, "uniq", port->serial_number);
        }
    }
    globfree(&found);
}

void ports_find(const char *root, struct ports *ports)
{
    ports->count = 0;
    find_serial(root, ports);
    find_keyboards(root, ports);
}
