/*
 * The facts of a decision as JSON: what return.created carries of them, so that the decision can be
 * made again from the log. Time, store, country and currency stand elsewhere in that event.
 * Pure, any thread.
 */
#ifndef AGENT_RETURNS_FACTS_JSON_H
#define AGENT_RETURNS_FACTS_JSON_H

#include "agent/returns/facts.h"
#include "hal/base/json.h"
#include "hal/base/jsonw.h"

/* Writes the member "facts" into the open object. */
void facts_write(const struct facts *facts, struct jsonw *w);

/*
 * Fills what facts_write wrote; the rest of `facts` stays. Members that are absent, as in events of
 * earlier versions, are taken as false or none. Texts are borrowed from `json`, lists live in the
 * arena. ERR_INVALID names the field.
 */
enum err facts_read(const struct cJSON *json, struct arena *arena, struct facts *facts,
                    struct fault *fault) MUST_CHECK;

#endif
