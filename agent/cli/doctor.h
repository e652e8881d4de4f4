/* Findings as a technician reads them: the doctor's, and those of the self-test. */
#ifndef AGENT_CLI_DOCTOR_H
#define AGENT_CLI_DOCTOR_H

#include "agent/cli/cli.h"
#include "agent/service/finding.h"

/* The document of findings, as the API answers it. */
void doctor_write(const struct findings *findings, struct buf *out);
/* Prints such a document. CLI_PROBLEM when one of them failed. */
enum cli_exit doctor_tell(const struct cli *cli, const struct buf *answer);

#endif
