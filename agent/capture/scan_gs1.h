/*
 * GS1 element strings (GS1 General Specifications, section 3 and 7.8: application identifiers, FNC1
 * as GS 0x1D behind elements of no predefined length) and GS1 Digital Link URIs (GS1 Digital Link
 * Standard: URI Syntax). Lengths, characters, check digits and dates are those of the GS1 syntax
 * dictionary, for the identifiers that retail goods carry. An identifier that isn't known makes the
 * whole unreadable, since nobody could say where it ends. Pure, any thread.
 */
#ifndef AGENT_CAPTURE_SCAN_GS1_H
#define AGENT_CAPTURE_SCAN_GS1_H

#include "agent/capture/scan_field.h"

/*
 * Adds one field for each element, named by its identifier ("01", "3103"). False, with fields that
 * mean nothing, for what is no valid element string.
 */
bool scan_gs1_elements(struct slice text, struct scan_fields *fields);
/* The same for https://id.gs1.org/01/09506000134352/10/ABC?17=271231. */
bool scan_gs1_link(struct slice text, struct scan_fields *fields);

#endif
