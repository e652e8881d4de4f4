#include "sync/hub/fleet/scope.h"
#include "sync/contract/config.h"
#include "sync/contract/topic.h"

#include <string.h>

const char *scope_name(const char *scope, const char *kind)
{
    size_t len = strlen(kind);
    return strncmp(scope, kind, len) == 0 && scope[len] == '/' ? scope + len + 1 : NULL;
}

bool scope_is_name(const char *text, size_t max)
{
    size_t len = strlen(text);
    return len > 0 && len <= max &&
           strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-") == len;
}

enum err scope_check(const char *scope, struct fault *fault)
{
    const char *group = scope_name(scope, "group");
    const char *store = scope_name(scope, "store");
    const char *device = scope_name(scope, "device");
    if (strcmp(scope, "fleet") == 0 || (group && scope_is_name(group, SCOPE_GROUP_MAX)) ||
        (store && scope_is_name(store, CONFIG_STORE_MAX)) ||
        (device && device_id_valid(slice_of(device))))
        return ERR_OK;
    return fault_set(fault, ERR_INVALID, "scope",
                     "must be fleet, group/NAME, store/NUMBER or device/ID");
}
