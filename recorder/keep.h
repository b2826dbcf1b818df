/*
 * keep -- how long bars are kept, as the option says it: `1s=7,1m=730` in days.
 */
#ifndef TAPECAST_RECORDER_KEEP_H
#define TAPECAST_RECORDER_KEEP_H

#include "common/macros.h"
#include "recorder/resolution.h"

#define KEEP_DEFAULT "1s=7,1m=730"

/* Seconds for each resolution, 0 where none is named. Returns 0; -EINVAL after logging. */
MUST_CHECK int keep_parse(const char *text, int64_t ret_s[N_RESOLUTIONS]);

#endif
