/*
 * What software an appliance runs and what became of updates there, as its up/state says
 * (sync/contract/schema/state.schema.json, "software"). Pure; any thread.
 */
#ifndef SYNC_HUB_FLEET_SOFTWARE_H
#define SYNC_HUB_FLEET_SOFTWARE_H

#include "sync/contract/release.h"

enum { SOFTWARE_REASON_MAX = 300, SOFTWARE_WORDS_MAX = 6000 };

/* Texts are "" for what it doesn't say. */
struct software {
    char version[RELEASE_VERSION_MAX + 1];
    char slot[RELEASE_VERSION_MAX + 1];
    /* The newest update that its installer knows of, whoever asked. */
    char last_version[RELEASE_VERSION_MAX + 1];
    char last_result[RELEASE_VERSION_MAX + 1];
    char last_reason[SOFTWARE_REASON_MAX + 1];
    char last_words[SOFTWARE_WORDS_MAX + 1]; /* lines of its system, when it was rolled back */
    /* The newest that the hub asked for. */
    char update_version[RELEASE_VERSION_MAX + 1];
    char update_state[RELEASE_VERSION_MAX + 1];
    char update_reason[SOFTWARE_REASON_MAX + 1];
};

/* `state`: the document of up/state, or nothing. */
void software_read(struct slice state, struct software *software);
/* The member "software" as it came; empty when there is none. */
struct slice software_of(struct slice state);

enum software_fate {
    SOFTWARE_RUNS,    /* that release, confirmed */
    SOFTWARE_FAILED,  /* refused, failed or rolled back */
    SOFTWARE_PENDING, /* neither yet */
};
enum software_fate software_fate_of(const struct software *software, const char *release);

#endif
