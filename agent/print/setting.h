/* How a printer is set up: its device, the lane it stands at, its paper, its drawer. Pure. */
#ifndef AGENT_PRINT_SETTING_H
#define AGENT_PRINT_SETTING_H

#include "agent/print/layout.h"
#include "agent/print/queue.h"
#include "hal/device_setting.h"

struct print_setting {
    char device[DEVICE_TEXT_MAX + 1];
    char lane[PRINT_LANE_MAX + 1]; /* "" for none */
    struct layout_paper paper;
    bool drawer;
    bool drawer_second; /* at its second pin */
    bool mute;          /* see hal/printer.h */
    int baud;           /* 0: as the printer has it */
};

/*
 * "DEVICE[,lane=01][,columns=42][,page=cp858][,baud=9600][,drawer=2|5|none][,status=asked|none]"
 * ERR_INVALID, with the option. Whether there is such a device, printer_open finds out.
 */
enum err print_setting_read(const char *value, struct print_setting *setting,
                            struct fault *fault) MUST_CHECK;

#endif
