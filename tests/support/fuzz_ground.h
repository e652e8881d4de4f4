/*
 * What fuzz targets with files stand on: a scratch folder that is made at the first call and
 * removed at the end, and the end when something can't be made ready. One thread.
 */
#ifndef TESTS_SUPPORT_FUZZ_GROUND_H
#define TESTS_SUPPORT_FUZZ_GROUND_H

#include "hal/base/fault.h"
#include "tests/support/scratch.h"

const struct scratch *fuzz_folder(void);
/* Tells the fault and aborts when there is one. */
void fuzz_must(enum err err, const struct fault *fault);

#endif
