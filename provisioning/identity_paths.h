/* The files of an identity directory, for identity.c and identity_change.c only. */
#ifndef PROVISIONING_IDENTITY_PATHS_H
#define PROVISIONING_IDENTITY_PATHS_H

#include "hal/base/fault.h"

#include <limits.h>

struct identity_paths {
    char current[PATH_MAX];
    char next[PATH_MAX];
    char ca[PATH_MAX];
    char crl[PATH_MAX];
    char token[PATH_MAX];
};

enum err identity_paths_of(const char *folder, struct identity_paths *paths,
                           struct fault *fault) MUST_CHECK;
bool identity_file_exists(const char *path);
/* Whether the file is there and holds a certificate besides the key. */
enum err identity_has_certificate(const char *path, bool *has, struct fault *fault) MUST_CHECK;

#endif
