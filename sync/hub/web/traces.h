/*
 * GET /v1/traces/{return}: the trail of one return as a trace in OTLP/JSON (OpenTelemetry protocol
 * 1.x, the body of POST /v1/traces), to be handed to any collector. The root span lasts from the
 * first event to the last; below it each event lasts from its capture to its arrival, and each
 * journal entry from when it was made to when it was posted. Reads only; loop thread.
 */
#ifndef SYNC_HUB_WEB_TRACES_H
#define SYNC_HUB_WEB_TRACES_H

#include "sync/hub/web/answers.h"

answers_write traces_answer;

#endif
