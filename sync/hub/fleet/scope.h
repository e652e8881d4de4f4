/*
 * Whom a layer of settings or a rollout is for: "fleet", "group/NAME", "store/NUMBER" or
 * "device/ID". Pure.
 */
#ifndef SYNC_HUB_FLEET_SCOPE_H
#define SYNC_HUB_FLEET_SCOPE_H

#include "hal/base/fault.h"

#include <stdbool.h>
#include <stddef.h>

enum { SCOPE_MAX = 80, SCOPE_GROUP_MAX = 40 };

/* ERR_INVALID when it is none of the four. */
enum err scope_check(const char *scope, struct fault *fault) MUST_CHECK;
/* "north" of "group/north" when `kind` is "group"; NULL when it is of another kind. */
const char *scope_name(const char *scope, const char *kind);
/* 1 to `max` letters, digits, . _ and - */
bool scope_is_name(const char *text, size_t max);

#endif
