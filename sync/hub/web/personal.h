/*
 * Events as those may see them who needn't know who a customer is, who stood at the counter, or
 * what somebody noted: without the members that say so. Pure, any thread.
 */
#ifndef SYNC_HUB_WEB_PERSONAL_H
#define SYNC_HUB_WEB_PERSONAL_H

#include "hal/base/jsonw.h"

/* Writes the event's body as a member, without what is personal; null if it can't be read. */
void personal_write_without(struct jsonw *w, const char *key, struct slice body);

#endif
