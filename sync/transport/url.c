#include "sync/transport/url.h"

#include <ctype.h>
#include <string.h>

enum { PORT_DIGITS_MAX = 5, PORT_MAX = 65535 };

static enum err copy(char *out, size_t max, const char *from, size_t len, const char *what,
                     const char *where, struct fault *fault)
{
    if (len > max)
        return fault_set(fault, ERR_INVALID, where, "the %s is longer than %zu characters", what,
                         max);
    memcpy(out, from, len);
    out[len] = '\0';
    return ERR_OK;
}

static enum err parse_scheme(const char **text, const char *where, struct url *url,
                             struct fault *fault)
{
    const char *end = strstr(*text, "://");
    if (!end)
        return ERR_OK;
    size_t len = (size_t)(end - *text);
    enum err err = copy(url->scheme, URL_SCHEME_MAX, *text, len, "scheme", where, fault);
    for (size_t i = 0; !err && i < len; i++) {
        if (!isalnum((unsigned char)url->scheme[i]))
            err = fault_set(fault, ERR_INVALID, where, "the scheme is not letters and digits");
        url->scheme[i] = (char)tolower((unsigned char)url->scheme[i]);
    }
    *text = end + 3;
    return err;
}

static enum err parse_port(const char *text, size_t len, const char *where, uint16_t *port,
                           struct fault *fault)
{
    unsigned long value = 0;
    for (size_t i = 0; i < len && i <= PORT_DIGITS_MAX; i++) {
        if (!isdigit((unsigned char)text[i]))
            value = PORT_MAX + 1ul;
        else
            value = value * 10 + (unsigned long)(text[i] - '0');
    }
    if (len == 0 || len > PORT_DIGITS_MAX || value > PORT_MAX)
        return fault_set(fault, ERR_INVALID, where, "the port is not a number from 0 to %d",
                         PORT_MAX);
    *port = (uint16_t)value;
    return ERR_OK;
}

static bool is_host_character(char c)
{
    return isalnum((unsigned char)c) || c == '.' || c == '-' || c == '_';
}

static enum err parse_host(const char *text, size_t len, const char *where, struct url *url,
                           struct fault *fault)
{
    bool bracketed = len > 0 && text[0] == '[';
    const char *end = bracketed ? memchr(text, ']', len) : memchr(text, ':', len);
    if (bracketed && !end)
        return fault_set(fault, ERR_INVALID, where, "the bracket of the address isn't closed");
    const char *host = text + bracketed;
    const char *host_end = end ? end : text + len;
    const char *rest = bracketed ? host_end + 1 : host_end;
    for (const char *at = host; at < host_end; at++)
        if (!is_host_character(*at) && !(bracketed && *at == ':'))
            return fault_set(fault, ERR_INVALID, where, "the host holds a character it can't");
    if (host == host_end)
        return fault_set(fault, ERR_INVALID, where, "the host is missing");
    enum err err =
        copy(url->host, URL_HOST_MAX, host, (size_t)(host_end - host), "host", where, fault);
    if (err || rest == text + len)
        return err;
    if (*rest != ':')
        return fault_set(fault, ERR_INVALID, where, "after the host only a port may follow");
    return parse_port(rest + 1, (size_t)(text + len - rest) - 1, where, &url->port, fault);
}

enum err url_parse(const char *text, const char *where, uint16_t default_port, struct url *out,
                   struct fault *fault)
{
    struct url url = {.port = default_port};
    enum err err = parse_scheme(&text, where, &url, fault);
    if (err)
        return err;
    size_t len = strcspn(text, "/?#");
    if (text[len] != '\0' && strcmp(text + len, "/") != 0)
        return fault_set(fault, ERR_INVALID, where, "a path, query or fragment has no place here");
    const char *at = memchr(text, '@', len);
    if (at) {
        err = copy(url.user, URL_USER_MAX, text, (size_t)(at - text), "user", where, fault);
        len -= (size_t)(at + 1 - text);
        text = at + 1;
    }
    if (!err)
        err = parse_host(text, len, where, &url, fault);
    if (!err)
        *out = url;
    return err;
}
