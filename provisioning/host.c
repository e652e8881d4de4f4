#include "provisioning/host.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

enum { NAME_MAX_BYTES = 253, LABEL_MAX = 63 };

size_t host_address(const char *host, uint8_t address[static HOST_ADDRESS_MAX])
{
    if (inet_pton(AF_INET, host, address) == 1)
        return 4;
    if (inet_pton(AF_INET6, host, address) == 1)
        return 16;
    return 0;
}

bool host_address_text(struct slice address, char *text)
{
    int family = address.len == 4 ? AF_INET : AF_INET6;
    return (address.len == 4 || address.len == 16) &&
           inet_ntop(family, address.data, text, INET6_ADDRSTRLEN) != NULL;
}

static bool label_valid(const char *label, size_t len)
{
    if (len == 0 || len > LABEL_MAX || label[0] == '-' || label[len - 1] == '-')
        return false;
    for (size_t i = 0; i < len; i++) {
        char c = label[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!letter && !(c >= '0' && c <= '9') && c != '-')
            return false;
    }
    return true;
}

bool host_valid(const char *host)
{
    uint8_t address[HOST_ADDRESS_MAX];
    if (host_address(host, address))
        return true;
    if (strlen(host) > NAME_MAX_BYTES)
        return false;
    const char *label = strncmp(host, "*.", 2) == 0 ? host + 2 : host;
    for (;;) {
        size_t len = strcspn(label, ".");
        if (!label_valid(label, len))
            return false;
        if (label[len] == '\0')
            return true;
        label += len + 1;
    }
}

static bool same(struct slice name, const char *host)
{
    return name.len == strlen(host) && strncasecmp(name.data, host, name.len) == 0;
}

bool host_covered(struct slice name, const char *host)
{
    if (name.len > 2 && memcmp(name.data, "*.", 2) == 0) {
        const char *rest = strchr(host, '.');
        return rest && rest != host && same((struct slice){name.data + 1, name.len - 1}, rest);
    }
    return same(name, host);
}
