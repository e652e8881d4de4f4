/*
 * The settings of tillbackd, for its command line and for who looks after it.
 */
#ifndef AGENT_SERVICE_SETUP_H
#define AGENT_SERVICE_SETUP_H

#include "hal/settings.h"

extern const struct setting appliance_settings[];
extern const size_t appliance_setting_count;

#endif
