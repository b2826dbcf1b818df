/*
 * log -- one line a record on stderr, the same shape in every program:
 *
 *     2026-11-21T05:49:00.123Z info  gateway: upstream is up: mqtt://127.0.0.1:1883
 *
 * For state changes and errors, never for each message. A record is one write(2), control bytes in
 * it are replaced by '?', so what a stranger sent cannot forge a line; secrets in it are masked
 * (secret.h). Any thread.
 */
#ifndef TAPECAST_COMMON_LOG_H
#define TAPECAST_COMMON_LOG_H

#include "common/macros.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

/* `program` is a literal such as "gateway". Until called, records carry "tapecast" and LOG_INFO is
 * the lowest shown. */
void log_init(const char *program, enum log_level lowest);

void log_write(enum log_level level, const char *format, ...) PRINTF_LIKE(2, 3);

#define log_debug(...) log_write(LOG_DEBUG, __VA_ARGS__)
#define log_info(...) log_write(LOG_INFO, __VA_ARGS__)
#define log_warn(...) log_write(LOG_WARN, __VA_ARGS__)
#define log_error(...) log_write(LOG_ERROR, __VA_ARGS__)

#endif
