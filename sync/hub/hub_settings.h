/* The keys that a hub knows, with what they are when they aren't set. */
#ifndef SYNC_HUB_HUB_SETTINGS_H
#define SYNC_HUB_HUB_SETTINGS_H

#include "hal/settings.h"

extern const struct setting hub_settings[];
extern const size_t hub_settings_count;

#endif
