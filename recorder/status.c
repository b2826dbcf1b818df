#include "recorder/status.h"

#include <stdio.h>
#include <string.h>

#include "common/topic.h"

#include "common/banned.h"

/* What a library says may hold anything: nothing that JSON would have to escape is kept. */
static void plain_text(const char *text, char *buf, size_t cap)
{
    size_t n = 0;

    for (; text[n] != '\0' && n + 1 < cap; n++)
        buf[n] = (unsigned char)text[n] < ' ' || strchr("\"\\", text[n]) != NULL ? ' ' : text[n];
    buf[n] = '\0';
}

size_t recorder_status_encode(const struct recorder_status *s, char buf[STATUS_MAX])
{
    const struct ledger_counts *c = &s->counts;
    char detail[161];
    int n;

    plain_text(s->detail, detail, sizeof(detail));
    n = snprintf(
        buf, STATUS_MAX,
        "{\"state\":\"%s\",\"condition\":\"%s\",\"detail\":\"%s\",\"symbols\":%ju,\"quotes\":%ju,"
        "\"lost\":%ju,\"gaps\":%ju,\"repeated\":%ju,\"late\":%ju,\"too_late\":%ju,\"rejected\":%ju,"
        "\"dropped\":%ju,\"ticks_dropped\":%ju,\"corrected\":%ju,\"uncorrected\":%ju,\"bars\":%ju,"
        "\"ticks\":%ju,"
        "\"waiting\":%ju,\"backfilled\":%ju,\"backfill_open\":%ju,\"timestamp\":%jd}",
        s->online ? "online" : "offline", s->failing ? "fault" : "recording", detail,
        (uintmax_t)c->symbols, (uintmax_t)c->quotes, (uintmax_t)c->lost, (uintmax_t)c->gaps,
        (uintmax_t)c->repeated, (uintmax_t)c->late, (uintmax_t)c->too_late, (uintmax_t)c->rejected,
        (uintmax_t)c->dropped, (uintmax_t)c->ticks_dropped, (uintmax_t)c->corrected,
        (uintmax_t)c->uncorrected, (uintmax_t)s->bars_written, (uintmax_t)s->ticks_written,
        (uintmax_t)s->waiting, (uintmax_t)c->backfilled, (uintmax_t)s->backfill_open,
        (intmax_t)s->timestamp.ms);
    return (size_t)n;
}

void recorder_status_topic(const char *instance, char buf[STATUS_TOPIC_MAX])
{
    static const char prefix[] = "status/recorder/";
    size_t len = sizeof(prefix) - 1;

    memcpy(buf, prefix, len);
    len += topic_level_escape(instance, strlen(instance), buf + len, STATUS_TOPIC_MAX - len - 1);
    buf[len] = '\0';
}
