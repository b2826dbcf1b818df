#include "common/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/secret.h"

#include "common/banned.h"

#define RECORD_MAX 1024 /* a longer record is cut and ends in "..." */

static const char *log_program = "tapecast";
static enum log_level log_lowest = LOG_INFO;

void log_init(const char *program, enum log_level lowest)
{
    log_program = program;
    log_lowest = lowest;
}

static size_t min_size(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Bytes that would end the line or speak to a terminal. */
static void mask_controls(char *s, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)s[i] < 0x20 || s[i] == 0x7f)
            s[i] = '?';
}

void log_write(enum log_level level, const char *format, ...)
{
    static const char *const names[] = {"debug", "info ", "warn ", "error"};
    int saved_errno = errno;
    char time[WALL_TEXT_MAX], record[RECORD_MAX];
    const size_t room = sizeof(record) - 1; /* for the newline in place of the NUL */
    size_t head, len;
    va_list ap;
    int n;

    if (level < log_lowest)
        return;
    wall_format(wall_real(), time);
    n = snprintf(record, sizeof(record), "%s %s %s: ", time, names[level], log_program);
    head = min_size((size_t)n, room);

    errno = saved_errno; /* for %m */
    va_start(ap, format);
    n = vsnprintf(record + head, sizeof(record) - head, format, ap);
    va_end(ap);
    len = head + (n < 0 ? 0 : (size_t)n);
    if (len > room) {
        len = room;
        memcpy(record + len - 3, "...", 3);
    }
    secret_mask(record, len);
    mask_controls(record, len);
    record[len++] = '\n';
    if (write(STDERR_FILENO, record, len) < 0) {
        /* Nowhere left to say so. */
    }
    errno = saved_errno;
}
