/* What the API says of printers and of prints that wait. */
#ifndef AGENT_API_PRINTS_H
#define AGENT_API_PRINTS_H

#include "agent/api/internal.h"

/* The member "printers". */
void api_printers_write(const struct api *api, struct jsonw *w);

#endif
