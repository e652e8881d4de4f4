/*
 * What a technician takes away: the commissioning report's payload (signed by
 * provisioning/report.h), and the diagnostics bundle. The bundle is made of what is listed as
 * harmless, never of what is left after a search for secrets: settings by an allow-list of keys,
 * diagnostics by an allow-list of members and names. Pure but for the files named; any thread.
 */
#ifndef AGENT_SERVICE_RECORD_H
#define AGENT_SERVICE_RECORD_H

#include "agent/service/doctor.h"
#include "hal/device_setting.h"

enum { RECORD_BYTES_MAX = 256 * 1024, BUNDLE_BYTES_MAX = 512 * 1024 };

struct record {
    const struct doctor_subject *subject;
    const struct findings *doctor;
    const struct findings *selftest;
    const char *technician; /* of the report only */
    int64_t now_ms;
};

/* Appends the report's payload, signed; and the page made of it. */
enum err record_report(const struct record *record, struct buf *envelope, struct buf *page,
                       struct fault *fault) MUST_CHECK;

/* `diagnostics`: lines as harmless_line made them. Appends a gzipped tar archive. */
enum err record_bundle(const struct record *record, struct slice diagnostics, struct buf *bundle,
                       struct fault *fault) MUST_CHECK;

/* The ports there are as a JSON array, each with the lane to which a setting binds it. */
void record_ports(const struct doctor_subject *subject, struct jsonw *w, const char *key);

#endif
