/*
 * The time below which the clock never reads: that of the build, or the last one written to the
 * state directory, if later. So a box without a battery, back at 1970, still finds its certificates
 * valid, and its events carry times that are not before those of yesterday. Blocks on the disk.
 */
#ifndef HAL_TIME_FLOOR_H
#define HAL_TIME_FLOOR_H

#include "hal/base/fault.h"

#include <stdint.h>

enum { TIME_FLOOR_INTERVAL_MS = 10 * 60 * 1000 }; /* between writes */

/* Milliseconds since 1970. A file that is missing or damaged says nothing. */
int64_t time_floor_read(const char *folder, int64_t build_ms);
enum err time_floor_write(const char *folder, int64_t wall_ms, struct fault *fault) MUST_CHECK;

#endif
