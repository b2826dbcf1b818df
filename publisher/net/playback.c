#include "publisher/net/playback.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "publisher/net/record.h"

#include "common/banned.h"

#define STUCK_MS 30000

/* Two go through the file, one for what streams said and one for answers, so that an answer that is
 * asked for a little later than then holds nothing up. */
struct cursor {
    bool answers; /* else all other lines */
    FILE *in;
    char *line;
    size_t line_cap;
    cJSON *next, *taken; /* NULL at the end; what the last call gave */
    bool offered;        /* `next` was there for a whole turn */
    struct mono at;      /* of `next` */
    struct wall wall;
};

struct playback {
    cJSON *head;
    double speed;
    struct cursor said, answered;

    struct mono now; /* then */
    struct wall wall;
    struct mono began, began_really;
    struct playback_counts counts;
};

bool playback_is_record(const char *path)
{
    char start[4096] = "";
    FILE *in = fopen(path, "re");
    bool is;

    if (in == NULL)
        return false;
    is = fgets(start, sizeof(start), in) != NULL && start[0] == '{' &&
         strstr(start, RECORD_MARK) != NULL;
    fclose(in);
    return is;
}

/*
 * Reading
 */

static int64_t number(const cJSON *object, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);

    if (!cJSON_IsNumber(item) || item->valuedouble < -9e15 || item->valuedouble > 9e15)
        return 0;
    return (int64_t)item->valuedouble;
}

static const char *text(const cJSON *object, const char *name)
{
    const char *t = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));

    return t != NULL ? t : "";
}

static bool has(const cJSON *object, const char *name)
{
    return cJSON_GetObjectItemCaseSensitive(object, name) != NULL;
}

/* The next line that is a JSON object with a moment; NULL at the end. */
static cJSON *read_line(struct playback *p, struct cursor *c)
{
    while (getline(&c->line, &c->line_cap, c->in) >= 0) {
        cJSON *line = cJSON_Parse(c->line);

        if (cJSON_IsObject(line) && has(line, "us"))
            return line;
        cJSON_Delete(line);
        p->counts.unreadable += c->answers;
    }
    return NULL;
}

static void go_on(struct playback *p, struct cursor *c)
{
    int64_t us;

    do {
        cJSON_Delete(c->next);
        c->next = read_line(p, c);
        if (c->next == NULL)
            return;
        us = number(c->next, "us");
        if (us * 1000 < c->at.ns) /* another machine's, or after a start of this one */
            us = c->at.ns / 1000;
        c->at.ns = us * 1000;
        c->wall.ms = number(c->next, "ms");
    } while (has(c->next, "answer") != c->answers);
    if (p->counts.last.ms < c->wall.ms)
        p->counts.last = c->wall;
}

/* The next line has been taken: keep it, for what was given out of it. */
static void take_next(struct playback *p, struct cursor *c)
{
    cJSON_Delete(c->taken);
    c->taken = c->next;
    c->next = NULL;
    c->offered = false;
    go_on(p, c);
}

static int open_cursor(struct cursor *c, const char *path, bool answers)
{
    int r;

    c->answers = answers;
    c->in = fopen(path, "re");
    if (c->in != NULL)
        return 0;
    r = -errno;
    log_error("cannot read %s: %m", path);
    return r;
}

static void close_cursor(struct cursor *c)
{
    if (c->in != NULL)
        fclose(c->in);
    cJSON_Delete(c->next);
    cJSON_Delete(c->taken);
    free(c->line);
}

int playback_new(const char *path, double speed, struct playback **ret)
{
    struct playback *p = calloc(1, sizeof(*p));
    int r = -ENOMEM;

    if (p == NULL)
        return r;
    p->speed = speed;
    r = open_cursor(&p->said, path, false);
    if (r == 0)
        r = open_cursor(&p->answered, path, true);
    if (r < 0)
        goto out;
    p->head = read_line(p, &p->said);
    if (p->head == NULL || strcmp(text(p->head, "tapecast"), "record") != 0 ||
        number(p->head, "version") != 1) {
        r = -EBADMSG;
        log_error("%s is no record that this version can play", path);
        goto out;
    }
    p->now.ns = number(p->head, "us") * 1000;
    p->wall.ms = number(p->head, "ms");
    p->began = p->said.at = p->answered.at = p->now;
    p->counts.first = p->counts.last = p->wall;
    go_on(p, &p->said);
    go_on(p, &p->answered);
    *ret = p;
    p = NULL; /* handed over */
    r = 0;
out:
    playback_free(p);
    return r;
}

void playback_free(struct playback *p)
{
    if (p == NULL)
        return;
    close_cursor(&p->said);
    close_cursor(&p->answered);
    cJSON_Delete(p->head);
    free(p);
}

const cJSON *playback_head(const struct playback *p)
{
    return p->head;
}

struct playback_counts playback_count(const struct playback *p)
{
    return p->counts;
}

/*
 * Time
 */

void playback_hold_clock(const struct playback *p)
{
    clock_hold(p->now, p->wall);
}

static void be_at(struct playback *p, struct mono t)
{
    p->wall.ms += t.ns / 1000000 - p->now.ns / 1000000;
    p->now = t;
    if (p->answered.next != NULL && p->answered.at.ns == t.ns)
        p->wall = p->answered.wall;
    if (p->said.next != NULL && p->said.at.ns == t.ns)
        p->wall = p->said.wall;
    playback_hold_clock(p);
}

/* Sleep until it is `t` then. Returns 0; -ECANCELED. */
static int sleep_until(struct playback *p, int stop_fd, struct mono t)
{
    struct pollfd stop = {.fd = stop_fd, .events = POLLIN};
    int left_ms = 0;

    if (p->began_really.ns == 0)
        p->began_really = mono_real();
    do {
        if (p->speed > 0) {
            double after_ns = (double)(t.ns - p->began.ns) / p->speed;
            struct mono due = {p->began_really.ns + (int64_t)after_ns};

            left_ms = mono_timeout_ms(due, mono_real());
        }
        if (poll(&stop, 1, left_ms) > 0)
            return -ECANCELED;
    } while (left_ms > 0);
    return 0;
}

static bool is_due(const struct playback *p, const struct cursor *c)
{
    return c->next != NULL && !mono_before(p->now, c->at);
}

/* Pass over what nobody takes, and what only marks a moment. */
static void skip(struct playback *p, struct cursor *c)
{
    while (is_due(p, c)) {
        bool nothing = has(c->next, "stop") || has(c->next, "tapecast");

        if (!nothing && mono_before(p->now, mono_add_ms(c->at, STUCK_MS)))
            return;
        p->counts.passed_over += !nothing;
        take_next(p, c);
    }
}

/* The moment at which `c` has something new; `other` when it has not. */
static struct mono earlier_of(const struct playback *p, const struct cursor *c, struct mono other)
{
    return c->next != NULL && !is_due(p, c) ? mono_earlier(c->at, other) : other;
}

/* What came to its turn behind something else has a turn of its own. */
static bool is_new(const struct playback *p, struct cursor *c)
{
    bool is = is_due(p, c) && !c->offered;

    c->offered |= is;
    return is;
}

int playback_wait(struct playback *p, int stop_fd, struct mono deadline)
{
    bool new_said = is_new(p, &p->said), new_answer = is_new(p, &p->answered);
    int r;

    if (new_said || new_answer)
        return 0;
    skip(p, &p->said);
    skip(p, &p->answered);
    if (p->said.next == NULL && (p->answered.next == NULL || is_due(p, &p->answered)))
        return -ENODATA;
    deadline = earlier_of(p, &p->said, earlier_of(p, &p->answered, deadline));
    if (mono_before(deadline, p->now))
        deadline = p->now;
    r = sleep_until(p, stop_fd, deadline);
    if (r == 0)
        be_at(p, deadline);
    return r;
}

/*
 * What is said
 */

static struct websocket_end end_of(const cJSON *what)
{
    struct websocket_end end = {
        .http_status = (long)number(what, "http_status"),
        .code = (uint16_t)number(what, "code"),
        .retry_after_s = number(what, "retry_after_s"),
    };

    snprintf(end.why, sizeof(end.why), "%s", text(what, "why"));
    return end;
}

enum playback_kind playback_take(struct playback *p, bool connected, const char **ret_text,
                                 struct websocket_end *ret_end)
{
    struct cursor *c = &p->said;

    if (!is_due(p, c))
        return PLAYED_NOTHING;
    if (has(c->next, "open") && !connected) {
        take_next(p, c);
        p->counts.connections++;
        return PLAYED_OPEN;
    }
    if (has(c->next, "message") && connected) {
        take_next(p, c);
        p->counts.messages++;
        *ret_text = text(c->taken, "message");
        return PLAYED_MESSAGE;
    }
    if (has(c->next, "end")) {
        take_next(p, c);
        *ret_end = end_of(cJSON_GetObjectItemCaseSensitive(c->taken, "end"));
        return PLAYED_END;
    }
    return PLAYED_NOTHING;
}

int playback_answer(struct playback *p, const char *url, struct http_answer *ret)
{
    struct cursor *c = &p->answered;
    const cJSON *what;

    if (!is_due(p, c))
        return -EAGAIN;
    what = cJSON_GetObjectItemCaseSensitive(c->next, "answer");
    if (strcmp(text(what, "to"), record_request(url)) != 0)
        return -EAGAIN;
    take_next(p, c);
    p->counts.answers++;
    *ret = (struct http_answer){
        .fault = has(what, "fault") ? text(what, "fault") : NULL,
        .status = (long)number(what, "status"),
        .body = text(what, "body"),
        .len = strlen(text(what, "body")),
        .retry_after_s = number(what, "retry_after_s"),
        .date = {number(what, "date_ms")},
    };
    return 0;
}
