/*
 * GET /metrics: Prometheus text (exposition format 0.0.4). Labels are bounded: teams, currencies,
 * states, connectors, never devices or returns. What is counted of facts comes from the database,
 * and survives a restart; what is counted of the process begins with it. Loop thread only.
 */
#ifndef SYNC_HUB_WEB_METRICS_H
#define SYNC_HUB_WEB_METRICS_H

#include "sync/hub/web/answers.h"

answers_write metrics_answer;

#endif
