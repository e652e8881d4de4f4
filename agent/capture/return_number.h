/*
 * Return numbers that people read out and type: R0042-000123-7, of store, count and check digit
 * (GS1 modulo 10 over the digits of both). Pure, any thread.
 */
#ifndef AGENT_CAPTURE_RETURN_NUMBER_H
#define AGENT_CAPTURE_RETURN_NUMBER_H

#include "agent/views/return_state.h"

/* `store` has at most 8 characters; other than digits they don't count for the check digit. */
void return_number_write(char out[static RETURN_NUMBER_MAX + 1], const char *store, int64_t count);
/* True if the text is of that form and its check digit fits. */
bool return_number_valid(struct slice text);

#endif
