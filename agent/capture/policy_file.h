/* The policy that decides: from a file, or the one that ships. Read once, then any thread. */
#ifndef AGENT_CAPTURE_POLICY_FILE_H
#define AGENT_CAPTURE_POLICY_FILE_H

#include "agent/returns/policy.h"

struct policy_file;

/* `path` NULL takes the policy that ships. ERR_INVALID names the path in the document. */
enum err policy_file_open(struct policy_file **file, const char *path,
                          struct fault *fault) MUST_CHECK;
/* From the text of the document, as configurations bring it. */
enum err policy_file_read(struct policy_file **file, struct slice text,
                          struct fault *fault) MUST_CHECK;
void policy_file_close(struct policy_file *file); /* takes NULL */
const struct policy *policy_file_policy(const struct policy_file *file);

#endif
