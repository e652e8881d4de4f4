/*
 * Looks at an appliance in a fixed order, from the power to the receipt printer, and says of each
 * thing how it is. Works beside a running tillbackd, inside its process, with what that knows of
 * its link and devices: a second MQTT connection under its id would end the first. Without one, it
 * opens the log, the broker and the devices itself.
 *
 * It changes nothing on the appliance (but writes and removes a small file), and tells nobody.
 * Blocks for as long as look-ups, handshakes and devices take, on a loop of its own: never on the
 * appliance's loop thread. Any other thread.
 */
#ifndef AGENT_SERVICE_DOCTOR_H
#define AGENT_SERVICE_DOCTOR_H

#include "agent/service/finding.h"
#include "hal/settings.h"
#include "sync/enrol/membership.h"
#include "sync/uplink/uplink.h"

enum { DOCTOR_DEVICES_MAX = 32, DOCTOR_DETAIL_MAX = 160 };

/* A scanner or printer as the running appliance sees it. */
struct doctor_device {
    bool printer;
    char name[FINDING_SUBJECT_MAX + 1];
    bool ready;
    char detail[DOCTOR_DETAIL_MAX + 1]; /* why not */
};

/* What a running appliance knows; a copy, so that any thread may read it. */
struct doctor_running {
    struct eventlog_status log;
    bool has_uplink;
    struct uplink_status link;
    enum rights_found rights;
    struct clock_reading now;
    struct doctor_device devices[DOCTOR_DEVICES_MAX];
    size_t device_count;
};

struct doctor_subject {
    const char *folder; /* state directory */
    const struct settings *settings;
    const struct membership *member;      /* NULL: its identity can't be read */
    const struct fault *member_fault;     /* why, then */
    const struct doctor_running *running; /* NULL: tillbackd doesn't run */
    const struct eventlog_config *log_config;
    struct clock *clock;
    const char *root; /* of /proc and /sys: "", but in tests */
};

void doctor_run(const struct doctor_subject *subject, struct findings *findings);

#endif
