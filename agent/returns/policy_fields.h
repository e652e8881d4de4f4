/* The fields of a policy document, as policy_read takes them before it checks what they mean. */
#ifndef AGENT_RETURNS_POLICY_FIELDS_H
#define AGENT_RETURNS_POLICY_FIELDS_H

#include "agent/returns/policy.h"

extern const struct json_table policy_table;

#endif
