/*
 * One question on the enrolment broker: connects without a certificate under a client id that
 * nobody can guess, asks, waits for the answer, leaves. Loop thread only; never blocks.
 */
#ifndef SYNC_ENROL_ENQUIRY_H
#define SYNC_ENROL_ENQUIRY_H

#include "sync/transport/mqtt.h"

struct enquiry;

/* Comes once: with the answer's text, borrowed, or with why there is none. */
typedef void enquiry_done(void *context, struct slice answer, const struct fault *fault);

struct enquiry_config {
    const char *url;
    const char *proxy;
    const char *ca_file; /* NULL: whoever answers must prove itself by what it says */
    const char *runtime_folder;
    int64_t timeout_ms; /* for everything together; 20 s when 0 */
    struct clock *clock;
    struct diag *diag;
};

/* `question` is copied. */
enum err enquiry_open(struct enquiry **enquiry, struct loop *loop,
                      const struct enquiry_config *config, struct slice question,
                      enquiry_done *done, void *context, struct fault *fault) MUST_CHECK;
/* Takes NULL; no callback comes after. */
void enquiry_close(struct enquiry *enquiry);

#endif
