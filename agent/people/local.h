/*
 * The command line's way to the running appliance: the file `api` in the state directory (0600)
 * holds the address and a token of this process's life, so that whoever may read the state may also
 * ask. Blocks on the disk; loop thread.
 */
#ifndef AGENT_PEOPLE_LOCAL_H
#define AGENT_PEOPLE_LOCAL_H

#include "hal/base/buf.h"
#include "hal/base/sha256.h"

enum { LOCAL_TOKEN_TEXT = 64, LOCAL_ADDRESS_MAX = 128 };

struct local {
    bool open;
    struct sha256 hash; /* of the token */
};

struct local_way {
    char address[LOCAL_ADDRESS_MAX]; /* "http://127.0.0.1:8080" */
    char token[LOCAL_TOKEN_TEXT + 1];
};

/* Makes a token and writes the file. */
enum err local_open(struct local *local, const char *folder, const char *address,
                    struct fault *fault) MUST_CHECK;
/* Removes the file. */
void local_close(struct local *local, const char *folder);
bool local_is(const struct local *local, struct slice token);

/* The other side: ERR_UNREACHABLE when no appliance runs there. */
enum err local_read(const char *folder, struct local_way *way, struct fault *fault) MUST_CHECK;

#endif
