/*
 * What several fuzz targets stand on: a scratch folder that is made at the first call and removed
 * at the end, the end when something can't be made ready, and envelopes. One thread.
 */
#ifndef TESTS_SUPPORT_FUZZ_GROUND_H
#define TESTS_SUPPORT_FUZZ_GROUND_H

#include "hal/base/buf.h"
#include "tests/support/scratch.h"

const struct scratch *fuzz_folder(void);
/* Tells the fault and aborts when there is one. */
void fuzz_must(enum err err, const struct fault *fault);

/*
 * The input as a signed envelope (provisioning/envelope.h): as it is when it begins with "{"; else
 * what follows its first byte as the payload of one of `kind` that says it is by `signer`, so that
 * the payload's parser is met too. Nobody signed either.
 */
void fuzz_envelope(struct buf *envelope, struct slice input, const char *kind, const char *signer);

#endif
