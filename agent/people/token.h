/*
 * Bearer tokens of POS clients (RFC 6750), kept as hashes in the state directory's `tokens` file:
 * a line each, "sha256-hex lane name". The command line adds and removes; the running appliance
 * notices the change. A token is 32 random bytes, so one fast hash is enough. Loop thread only.
 */
#ifndef AGENT_PEOPLE_TOKEN_H
#define AGENT_PEOPLE_TOKEN_H

#include "agent/people/access.h"
#include "hal/base/buf.h"

enum { TOKEN_TEXT = 43, TOKEN_LANE_MAX = 8, TOKEN_NAME_MAX = 32, TOKENS_MAX = 256 };

struct token_holder {
    char lane[TOKEN_LANE_MAX + 1];
    char name[TOKEN_NAME_MAX + 1];
};

struct tokens;

/* Opens a state directory's tokens; a missing file is an empty list. */
enum err tokens_open(struct tokens **tokens, const char *folder, struct fault *fault) MUST_CHECK;
void tokens_close(struct tokens *tokens); /* takes NULL */

/* Looks at the file again if it has changed; one that can't be read changes nothing. */
void tokens_refresh(struct tokens *tokens);
/*
 * From now on a refresh tells which tokens were added or removed, as acts of the command line. The
 * first one comes at once, and compares with what was told before, kept in tokens.told: a file that
 * is missing or damaged counts as empty.
 */
enum err tokens_tell(struct tokens *tokens, access_told *told, void *context,
                     struct fault *fault) MUST_CHECK;

/* Finds who holds a token; looks at the file again when it has changed. ERR_FORBIDDEN if nobody. */
enum err tokens_find(struct tokens *tokens, struct slice token,
                     struct token_holder *holder) MUST_CHECK;

/* Makes a token for a lane, keeps its hash, and tells the token itself, this once. */
enum err token_add(const char *folder, const char *lane, const char *name,
                   char token[static TOKEN_TEXT + 1], struct fault *fault) MUST_CHECK;
/* Removes every token of that name: ERR_NOT_FOUND if there is none. */
enum err token_remove(const char *folder, const char *name, struct fault *fault) MUST_CHECK;
/* Calls back for each holder, in the order they were added. */
enum err token_list(const char *folder,
                    void (*visit)(void *context, const struct token_holder *holder), void *context,
                    struct fault *fault) MUST_CHECK;

#endif
