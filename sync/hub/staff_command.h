/*
 * `tillback-hub staff`: what stands for a person's PIN in the `staff` section of a configuration.
 * Needs no database and no running hub. Blocks for as long as a slow hash takes.
 */
#ifndef SYNC_HUB_STAFF_COMMAND_H
#define SYNC_HUB_STAFF_COMMAND_H

#include "hal/base/fault.h"

/* For --help. */
extern const char staff_usage[];

/* The words after `staff`. Reads a PIN from standard input; prints to standard output. */
enum err staff_run(int count, char *const *words, struct fault *fault) MUST_CHECK;

#endif
