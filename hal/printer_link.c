#include "hal/printer_link.h"
#include "hal/serial_line.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CONNECT_LIMIT_MS = 5000, ADDRESSES_MAX = 4, HOST_MAX = 255, PORT_MAX = 65535 };

enum kind { KIND_SERIAL, KIND_USB, KIND_TCP, KIND_FILE };

static const char *const schemes[] = {"serial:", "usb:", "tcp:", "file:", NULL};

struct printer_link {
    struct loop *loop;
    enum kind kind;
    char path[PATH_MAX]; /* or the host */
    uint16_t port;
    int baud;
    printer_link_opened *opened;
    void *context;
    struct loop_timer *timer; /* begins the opening, then limits it */
    bool begun;
    struct loop_lookup *lookup;
    struct sockaddr_storage addresses[ADDRESSES_MAX];
    socklen_t lengths[ADDRESSES_MAX];
    size_t address_count;
    size_t tried;
    struct loop_poll *connecting;
    struct serial_line *line;
    int fd;
};

static enum err parse_address(const char *text, char host[static HOST_MAX + 1], uint16_t *port)
{
    const char *colon = strrchr(text, ':');
    if (!colon || colon == text)
        return ERR_INVALID;
    size_t len = (size_t)(colon - text);
    if (text[0] == '[' && colon[-1] == ']') { /* an IPv6 address */
        text++;
        len -= 2;
    }
    char *end;
    long number = strtol(colon + 1, &end, 10);
    if (len == 0 || len > HOST_MAX || colon[1] < '0' || colon[1] > '9' || *end || number < 1 ||
        number > PORT_MAX)
        return ERR_INVALID;
    memcpy(host, text, len);
    host[len] = '\0';
    *port = (uint16_t)number;
    return ERR_OK;
}

static enum err parse_device(struct printer_link *link, const char *device, struct fault *fault)
{
    size_t kind = 0;
    while (schemes[kind] && strncmp(device, schemes[kind], strlen(schemes[kind])) != 0)
        kind++;
    if (!schemes[kind])
        return fault_set(fault, ERR_INVALID, "device",
                         "must be serial:PATH, usb:PATH, tcp:HOST:PORT or file:PATH");
    const char *rest = device + strlen(schemes[kind]);
    link->kind = (enum kind)kind;
    if (link->kind == KIND_TCP)
        return parse_address(rest, link->path, &link->port) == ERR_OK
                   ? ERR_OK
                   : fault_set(fault, ERR_INVALID, "device", "must be tcp:HOST:PORT");
    if (rest[0] != '/' || strlen(rest) >= sizeof link->path)
        return fault_set(fault, ERR_INVALID, "device", "needs an absolute path");
    memcpy(link->path, rest, strlen(rest) + 1);
    return ERR_OK;
}

enum err printer_link_check(const char *device, struct fault *fault)
{
    struct printer_link link = {0};
    return parse_device(&link, device, fault);
}

static void tell(struct printer_link *link, enum err err, const struct fault *fault)
{
    loop_timer_stop(link->timer);
    link->opened(link->context, err, fault);
}

static void connect_next(struct printer_link *link, const struct fault *why);

static void on_connected(void *context, unsigned ready)
{
    (void)ready;
    struct printer_link *link = context;
    loop_poll_close(link->connecting);
    link->connecting = NULL;
    int error = 0;
    socklen_t len = sizeof error;
    struct fault fault = {0};
    if (getsockopt(link->fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0)
        error = errno;
    if (!error) {
        tell(link, ERR_OK, &fault);
        return;
    }
    (void)fault_errno(&fault, error, link->path, "connect");
    connect_next(link, &fault);
}

static enum err begin_connect(struct printer_link *link, size_t index, struct fault *fault)
{
    const struct sockaddr *address = (const struct sockaddr *)&link->addresses[index];
    if (link->fd >= 0)
        (void)close(link->fd);
    link->fd = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (link->fd < 0)
        return fault_errno(fault, errno, link->path, "make a socket");
    if (connect(link->fd, address, link->lengths[index]) != 0 && errno != EINPROGRESS)
        return fault_errno(fault, errno, link->path, "connect");
    enum err err =
        loop_poll_open(link->loop, link->fd, on_connected, link, &link->connecting, fault);
    if (!err)
        loop_poll_want(link->connecting, LOOP_WRITE);
    return err;
}

/* Tries the addresses one after the other; `why` is what to say when there is none left. */
static void connect_next(struct printer_link *link, const struct fault *why)
{
    struct fault fault = *why;
    while (link->tried < link->address_count)
        if (begin_connect(link, link->tried++, &fault) == ERR_OK)
            return;
    tell(link, fault.code, &fault);
}

static void on_found(void *context, enum err err, const struct sockaddr_storage *addresses,
                     const socklen_t *lengths, size_t count)
{
    (void)err;
    struct printer_link *link = context;
    link->lookup = NULL;
    for (; link->address_count < count && link->address_count < ADDRESSES_MAX;
         link->address_count++) {
        link->addresses[link->address_count] = addresses[link->address_count];
        link->lengths[link->address_count] = lengths[link->address_count];
    }
    struct fault fault;
    (void)fault_set(&fault, ERR_UNREACHABLE, link->path, "the name can't be looked up");
    connect_next(link, &fault);
}

static enum err open_path(struct printer_link *link, struct fault *fault)
{
    bool file = link->kind == KIND_FILE;
    int flags = file ? O_WRONLY | O_CREAT | O_APPEND : O_RDWR;
    link->fd = open(link->path, flags | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0600);
    if (link->fd < 0)
        return fault_errno(fault, errno, link->path, "open");
    struct stat info;
    if (fstat(link->fd, &info) != 0 || (file ? !S_ISREG(info.st_mode) : !S_ISCHR(info.st_mode)))
        return fault_set(fault, ERR_UNSUPPORTED, link->path,
                         file ? "not a file" : "not a line printer");
    return ERR_OK;
}

static enum err open_serial(struct printer_link *link, struct fault *fault)
{
    enum err err =
        serial_line_open(&link->line, link->path, link->baud, SERIAL_FLOW_XONXOFF, fault);
    if (!err)
        link->fd = serial_line_descriptor(link->line);
    return err;
}

static enum err begin_tcp(struct printer_link *link, struct fault *fault)
{
    loop_timer_start(link->timer, CONNECT_LIMIT_MS, 0);
    return loop_lookup_open(link->loop, link->path, link->port, on_found, link, &link->lookup,
                            fault);
}

static void on_timer(void *context)
{
    struct printer_link *link = context;
    struct fault fault = {0};
    if (link->begun) {
        enum err late = fault_set(&fault, ERR_TIMEOUT, link->path, "it can't be reached in time");
        tell(link, late, &fault);
        return;
    }
    link->begun = true;
    enum err err = link->kind == KIND_TCP      ? begin_tcp(link, &fault)
                   : link->kind == KIND_SERIAL ? open_serial(link, &fault)
                                               : open_path(link, &fault);
    if (err || link->kind != KIND_TCP)
        tell(link, err, &fault);
}

enum err printer_link_open(struct printer_link **out, struct loop *loop, const char *device,
                           int baud, printer_link_opened *opened, void *context,
                           struct fault *fault)
{
    struct printer_link *link = calloc(1, sizeof *link);
    if (!link)
        return fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    *link = (struct printer_link){
        .loop = loop, .baud = baud, .opened = opened, .context = context, .fd = -1};
    enum err err = parse_device(link, device, fault);
    if (!err) {
        link->timer = loop_timer_open(loop, on_timer, link);
        if (!link->timer)
            err = fault_set(fault, ERR_NO_MEMORY, "", "out of memory");
    }
    if (err) {
        printer_link_close(link);
        return err;
    }
    loop_timer_start(link->timer, 0, 0);
    *out = link;
    return ERR_OK;
}

void printer_link_close(struct printer_link *link)
{
    if (!link)
        return;
    loop_timer_close(link->timer);
    loop_lookup_cancel(link->lookup);
    loop_poll_close(link->connecting);
    if (link->line)
        serial_line_close(link->line);
    else if (link->fd >= 0)
        (void)close(link->fd);
    free(link);
}

int printer_link_descriptor(const struct printer_link *link)
{
    return link->fd;
}

ssize_t printer_link_read(struct printer_link *link, void *bytes, size_t len)
{
    return read(link->fd, bytes, len);
}

ssize_t printer_link_write(struct printer_link *link, const void *bytes, size_t len)
{
    if (link->kind == KIND_TCP)
        return send(link->fd, bytes, len, MSG_NOSIGNAL);
    return write(link->fd, bytes, len);
}

bool printer_link_gone(const struct printer_link *link)
{
    return link->kind == KIND_TCP || serial_line_hung_up(link->fd);
}

bool printer_link_is_file(const struct printer_link *link)
{
    return link->kind == KIND_FILE;
}
