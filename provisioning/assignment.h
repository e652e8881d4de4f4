/*
 * What an appliance was told with its identity: which store's it is, and whom it talks to. Kept in
 * the identity directory as assignment.json, and as pending.json while enrolment is under way, with
 * the one-time code (0600): so that enrolment goes on where it was cut. Blocks on the disk.
 */
#ifndef PROVISIONING_ASSIGNMENT_H
#define PROVISIONING_ASSIGNMENT_H

#include "provisioning/bundle.h"

enum assignment_slot { ASSIGNMENT_CURRENT, ASSIGNMENT_PENDING };

enum { ASSIGNMENT_MAX = 512 * 1024 };

/* Texts are kept in the arena. ERR_NOT_FOUND when there is none, ERR_CORRUPT when it has rotted. */
enum err assignment_read(const char *folder, enum assignment_slot slot, struct arena *arena,
                         struct bundle *assignment, struct fault *fault) MUST_CHECK;
/* The bundle's facts; the code is kept in the pending one only. The directory is made. */
enum err assignment_write(const char *folder, enum assignment_slot slot,
                          const struct bundle *assignment, struct fault *fault) MUST_CHECK;
/* The pending one becomes the current one, without its code. Fine if that was done already. */
enum err assignment_settle(const char *folder, struct fault *fault) MUST_CHECK;
/* Forgets what was pending. */
enum err assignment_abandon(const char *folder, struct fault *fault) MUST_CHECK;

#endif
