/*
 * GRUB's environment block (GRUB manual, "The GRUB environment block"): 1024 bytes in a file of the
 * boot partition, by which the boot loader and the updater agree on the slot to start.
 *
 * Unlike GRUB's own grub-editenv, which empties the file and writes it anew, this one overwrites in
 * place, and keeps all variables within the first 512 bytes: a disk writes a sector whole or not at
 * all, so a power cut leaves the old block or the new one. Blocks on the disk. No threading.
 */
#ifndef FIRMWARE_GRUBENV_H
#define FIRMWARE_GRUBENV_H

#include "hal/base/fault.h"

enum {
    GRUBENV_SIZE = 1024,
    GRUBENV_USED = 512, /* signature and variables */
    GRUBENV_NAME_MAX = 31,
    GRUBENV_VALUE_MAX = 127,
};

struct grubenv {
    char block[GRUBENV_SIZE];
};

/* A block without variables. */
void grubenv_clear(struct grubenv *env);

/* ERR_NOT_FOUND without a file, ERR_CORRUPT when it doesn't hold a block. */
enum err grubenv_read(struct grubenv *env, const char *path, struct fault *fault) MUST_CHECK;

/* In place and synced; the file is made when it isn't there. */
enum err grubenv_write(const struct grubenv *env, const char *path, struct fault *fault) MUST_CHECK;

/*
 * Sets a variable, or replaces its value. ERR_INVALID for a name or value that the format can't
 * hold, ERR_TOO_LARGE when the first sector is full: the block stays as it was.
 */
enum err grubenv_set(struct grubenv *env, const char *name, const char *value,
                     struct fault *fault) MUST_CHECK;
/* Fine when there is no such variable. */
void grubenv_unset(struct grubenv *env, const char *name);

/* Calls `visit` with each "name=value", in the order of the block; the text lasts for the call. */
void grubenv_each(const struct grubenv *env, void (*visit)(void *context, const char *text),
                  void *context);

#endif
