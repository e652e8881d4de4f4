/* Which build this is. */
#ifndef HAL_BASE_VERSION_H
#define HAL_BASE_VERSION_H

#define TILLBACK_VERSION "0.1.0"
/* No clock of an appliance can be right and before this: 2026-11-22T00:00:00Z. */
#define TILLBACK_BUILD_MS INT64_C(1795305600000)

#endif
