/*
 * What one section of a configuration governs, as whoever owns that thing registers it: how its
 * text is checked, and how it is put in force. This module knows nothing of what it means. Loop
 * thread only.
 */
#ifndef SYNC_CONFIG_PART_H
#define SYNC_CONFIG_PART_H

#include "sync/contract/config_report.h"

struct config_part {
    enum config_section section;
    /*
     * Reads and checks; changes nothing. `text` is empty when the document has no such section: as
     * the box is set up by itself. *prepared is for one call of `apply` or `drop`.
     */
    enum err (*check)(void *context, struct slice text, void **prepared, struct fault *fault);
    /* Puts it in force; must not fail, so all that can belongs into `check`. */
    void (*apply)(void *context, void *prepared);
    void (*drop)(void *prepared); /* takes NULL */
    /* Whether somebody has changed it on the box since; NULL: can't be. */
    bool (*drifted)(void *context);
    void *context;
    bool on_trial; /* a change must prove itself by a round trip over it, or it is taken back */
};

#endif
