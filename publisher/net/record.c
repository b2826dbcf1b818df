#include "publisher/net/record.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "common/secret.h"

#include "common/banned.h"

#define KEEP_MS 500

struct record {
    char *path;
    FILE *out; /* NULL once it has ended */
    uint64_t size, max;
    struct mono now, flushed_at;
    bool dirty;
};

/* A copy of `text` that may be recorded, NUL-terminated; NULL when memory is out. */
static char *fit_to_record(const char *text, size_t len)
{
    char *copy = malloc(len + 1);

    if (copy == NULL)
        return NULL;
    memcpy(copy, text, len);
    copy[len] = '\0';
    secret_mask(copy, len);
    return copy;
}

/* Add a member without secrets. */
static void add_text(cJSON *to, const char *name, const char *text, size_t len)
{
    char *copy = fit_to_record(text, len);

    cJSON_AddStringToObject(to, name, copy != NULL ? copy : "");
    free(copy);
}

/*
 * The file
 */

int record_new(const char *path, uint64_t max_bytes, struct record **ret)
{
    struct record *r = calloc(1, sizeof(*r));
    int result = -ENOMEM;

    if (r == NULL)
        return result;
    r->max = max_bytes;
    r->path = strdup(path);
    if (r->path == NULL)
        goto out;
    r->out = fopen(path, "ae");
    if (r->out == NULL) {
        result = -errno;
        log_error("--record: cannot write %s: %m", path);
        goto out;
    }
    fseek(r->out, 0, SEEK_END);
    r->size = (uint64_t)ftell(r->out);
    *ret = r;
    r = NULL; /* handed over */
    result = 0;
out:
    record_free(r);
    return result;
}

static void end_for(struct record *r, const char *why)
{
    log_warn("--record: %s: %s; the record ends here, the feed goes on", r->path, why);
    fclose(r->out);
    r->out = NULL;
}

static void flush(struct record *r)
{
    r->dirty = false;
    r->flushed_at = r->now;
    if (r->out != NULL && fflush(r->out) != 0)
        end_for(r, strerror(errno));
}

/* Write `line`, which is freed, as a line. */
static void write_line(struct record *r, cJSON *line)
{
    char *text = cJSON_PrintUnformatted(line);
    size_t len = text != NULL ? strlen(text) : 0;

    cJSON_Delete(line);
    if (text != NULL && r->size + len + 1 > r->max) {
        end_for(r, "it has its largest size (--record-limit)");
    } else if (text != NULL) {
        fwrite(text, 1, len, r->out);
        fputc('\n', r->out);
        r->size += len + 1;
        r->dirty = true;
        if (ferror(r->out))
            end_for(r, strerror(errno));
    }
    free(text);
}

/* A line with the moment in it; NULL when nothing is recorded any more. */
static cJSON *new_line(const struct record *r)
{
    cJSON *line = r != NULL && r->out != NULL ? cJSON_CreateObject() : NULL;
    int64_t us;

    if (line == NULL)
        return NULL;
    us = r->now.ns / 1000;
    cJSON_AddNumberToObject(line, "ms", (double)wall_now().ms);
    cJSON_AddNumberToObject(line, "us", (double)us);
    return line;
}

void record_begin(struct record *r, cJSON *head)
{
    cJSON *moment;

    if (r == NULL || r->out == NULL) {
        cJSON_Delete(head);
        return;
    }
    r->now = mono_now();
    moment = new_line(r);
    cJSON_AddItemToObject(head, "ms", cJSON_DetachItemFromObject(moment, "ms"));
    cJSON_AddItemToObject(head, "us", cJSON_DetachItemFromObject(moment, "us"));
    cJSON_Delete(moment);
    write_line(r, head);
    if (r->out != NULL)
        flush(r);
}

void record_free(struct record *r)
{
    cJSON *line;

    if (r == NULL)
        return;
    r->now = mono_now();
    line = new_line(r);
    if (line != NULL) {
        cJSON_AddTrueToObject(line, "stop");
        write_line(r, line);
    }
    if (r->out != NULL)
        fclose(r->out);
    free(r->path);
    free(r);
}

void record_turn(struct record *r, struct mono now)
{
    if (r == NULL)
        return;
    r->now = now;
    if (r->dirty && !mono_before(now, mono_add_ms(r->flushed_at, KEEP_MS)))
        flush(r);
}

/*
 * What is said
 */

void record_open(struct record *r)
{
    cJSON *line = new_line(r);

    if (line == NULL)
        return;
    cJSON_AddTrueToObject(line, "open");
    write_line(r, line);
}

void record_message(struct record *r, const char *text, size_t len)
{
    cJSON *line = new_line(r);

    if (line == NULL)
        return;
    add_text(line, "message", text, len);
    write_line(r, line);
}

void record_end(struct record *r, const struct websocket_end *end)
{
    cJSON *line = new_line(r), *what;

    if (line == NULL)
        return;
    what = cJSON_AddObjectToObject(line, "end");
    add_text(what, "why", end->why, strlen(end->why));
    cJSON_AddNumberToObject(what, "http_status", (double)end->http_status);
    cJSON_AddNumberToObject(what, "code", end->code);
    cJSON_AddNumberToObject(what, "retry_after_s", (double)end->retry_after_s);
    write_line(r, line);
}

const char *record_request(const char *url)
{
    size_t path_len = strcspn(url, "?");

    while (path_len > 0 && url[path_len - 1] != '/')
        path_len--;
    return url + path_len;
}

void record_answer(struct record *r, const char *url, const struct http_answer *a)
{
    cJSON *line = new_line(r), *what;

    if (line == NULL)
        return;
    what = cJSON_AddObjectToObject(line, "answer");
    add_text(what, "to", record_request(url), strlen(record_request(url)));
    if (a->fault != NULL)
        cJSON_AddStringToObject(what, "fault", a->fault);
    cJSON_AddNumberToObject(what, "status", (double)a->status);
    cJSON_AddNumberToObject(what, "retry_after_s", (double)a->retry_after_s);
    cJSON_AddNumberToObject(what, "date_ms", (double)a->date.ms);
    add_text(what, "body", a->body, a->len);
    write_line(r, line);
}
