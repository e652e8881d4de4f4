/*
 * Which bytes of a file tell something when a bit in them is turned over: all, but of a long run of
 * zeros only its ends and few between. What is inside is free space of a page, of which nothing
 * reads a byte and each is as the next; no value that we store has so many.
 */
#ifndef TESTS_SUPPORT_FLIP_H
#define TESTS_SUPPORT_FLIP_H

#include "hal/base/buf.h"

bool flip_tells(const struct buf *file, size_t at);

#endif
