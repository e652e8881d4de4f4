/*
 * A log that is damaged in a test, and what is to be true of it afterwards. Ends the test on any
 * failure of its own.
 */
#ifndef TESTS_SUPPORT_DAMAGED_H
#define TESTS_SUPPORT_DAMAGED_H

#include "tests/support/log_fixture.h"

#include <sys/types.h>

enum { DAMAGED_EVENTS = 60 };

/* Returns and sales in turn, one of five too large for a page; all with keys, and messages. */
void damaged_fill(struct log_fixture *f);
/* Bytes of one of its files, which nobody has open. */
void damaged_overwrite(struct log_fixture *f, const char *name, off_t at, int byte, size_t len);
/* 0: there is no such file. */
off_t damaged_size(struct log_fixture *f, const char *name);

/* How many folders hold what was put aside, each with a database in it. */
int damaged_quarantines(struct log_fixture *f);
/* What a verification finds but for losses; one that fails counts as a finding. */
int damaged_findings(struct log_fixture *f);
/* The log works, is whole apart from what it says it lost, and knows its keys and messages. */
void damaged_works(struct log_fixture *f);

#endif
