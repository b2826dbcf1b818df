/*
 * tapecast-display -- a ticker for a terminal, an embedded Linux board or a serial display.
 *
 * Two threads: the link's takes messages and writes them into the board, the main one waits for
 * signals, keys and news and shows the board. The board is guarded by one mutex, held while a
 * message is taken or a frame is made, never while anything is written: a slow terminal or serial
 * line gets fewer updates, the newest of each symbol, and holds nothing up.
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "common/log.h"
#include "examples/display/board.h"
#include "examples/display/link.h"
#include "examples/display/screen.h"
#include "examples/display/settings.h"

#include "common/banned.h"

#define FRAME_MS 100        /* ten frames a second are smooth, and cheap on a small board */
#define IDLE_FRAME_MS 1000  /* ages count seconds */
#define LINES_PER_WRITE 512 /* bytes; small, so that a slow line gets the newest of each symbol */

struct display {
    const struct settings *settings;
    bool table; /* else plain lines */
    bool quiet; /* no log: it would be written over the table */
    bool running;
    int exit_status;
    struct screen screen;
    bool colour, utf8;
    int signal_fd, news_fd;
    struct mono drawn;

    pthread_mutex_t mutex; /* guards what follows */
    struct board *board;
    bool news;       /* news_fd is readable or the main thread knows */
    char state[128]; /* what was logged last, so that a state is logged once */
};

/* ---- from the link's thread ------------------------------------------------------------------ */

/* With the mutex held: wake the main thread, unless it has been woken and not yet looked. */
static void tell_news(struct display *d)
{
    if (!d->news)
        (void)eventfd_write(d->news_fd, 1);
    d->news = true;
}

static void on_message(void *ctx, const struct link_message *m)
{
    struct display *d = ctx;

    pthread_mutex_lock(&d->mutex);
    board_message(d->board, &(struct board_message){
                                .topic = m->topic,
                                .topic_len = m->topic_len,
                                .payload = m->payload,
                                .len = m->len,
                                .retained = m->retained,
                                .now = mono_now(),
                                .wall = wall_now(),
                            });
    tell_news(d);
    pthread_mutex_unlock(&d->mutex);
}

static void change_link(struct display *d, enum board_link link, const char *why)
{
    bool same;

    pthread_mutex_lock(&d->mutex);
    board_link(d->board, link, why, mono_now());
    same = strcmp(d->state, why) == 0;
    snprintf(d->state, sizeof(d->state), "%s", why);
    tell_news(d);
    pthread_mutex_unlock(&d->mutex);
    if (d->quiet || same)
        return;
    if (link == BOARD_UP)
        log_info("connected to %s", d->settings->broker.url);
    else
        log_warn("%s: %s; trying until it is back", d->settings->broker.url, why);
}

static void on_up(void *ctx)
{
    change_link(ctx, BOARD_UP, "");
}

static void on_down(void *ctx, const char *why)
{
    change_link(ctx, BOARD_AWAY, why);
}

static const struct link_events link_events = {.message = on_message, .up = on_up, .down = on_down};

/* ---- showing --------------------------------------------------------------------------------- */

/* Writing failed with `error`: whoever read us is gone, which is a quiet end for a filter. */
static void end_output(struct display *d, int error)
{
    if (error != -EPIPE) {
        log_error("cannot write: %s", strerror(-error));
        d->exit_status = EXIT_FAILURE;
    }
    d->running = false;
}

static void draw_frame(struct display *d)
{
    struct board_view view = {.colour = d->colour, .utf8 = d->utf8, .now = mono_now()};
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    int r;

    if (out == NULL)
        return; /* out of memory: the next frame may fare better */
    screen_size(STDOUT_FILENO, &view.columns, &view.lines);
    pthread_mutex_lock(&d->mutex);
    d->news = false;
    board_draw(d->board, &view, out);
    pthread_mutex_unlock(&d->mutex);
    d->drawn = view.now;
    r = fclose(out) == 0 ? screen_show(&d->screen, text, len) : 0;
    free(text);
    if (r < 0)
        end_output(d, r);
}

static void write_lines(struct display *d)
{
    char text[LINES_PER_WRITE];
    size_t len = 0;
    ssize_t n;

    pthread_mutex_lock(&d->mutex);
    while (len + BOARD_LINE_MAX <= sizeof(text) && board_has_line(d->board))
        len += board_next_line(d->board, text + len);
    pthread_mutex_unlock(&d->mutex);
    for (size_t done = 0; done < len; done += (size_t)n) {
        n = write(STDOUT_FILENO, text + done, len - done);
        if (n < 0 && errno != EINTR) {
            end_output(d, -errno);
            return;
        }
        n = n > 0 ? n : 0;
    }
}

static bool has_lines(struct display *d)
{
    bool has;

    pthread_mutex_lock(&d->mutex);
    has = board_has_line(d->board);
    pthread_mutex_unlock(&d->mutex);
    return has;
}

/* ---- the main thread ------------------------------------------------------------------------- */

/* Ctrl-Z: give the terminal back, stop, and take it again when continued. */
static void suspend(struct display *d)
{
    bool table = d->screen.on;

    screen_leave(&d->screen);
    raise(SIGSTOP);
    if (table)
        screen_enter(&d->screen, STDIN_FILENO, STDOUT_FILENO);
}

static void take_signal(struct display *d)
{
    struct signalfd_siginfo info;

    if (read(d->signal_fd, &info, sizeof(info)) != sizeof(info))
        return;
    if (info.ssi_signo == SIGTSTP)
        suspend(d);
    else if (info.ssi_signo != SIGWINCH)
        d->running = false;
    d->drawn = (struct mono){0}; /* draw at once, in the size it has now */
}

/* Lines are said as they come; a table keeps `news` up until its next frame. */
static void take_news(struct display *d)
{
    eventfd_t ignored;

    pthread_mutex_lock(&d->mutex);
    (void)eventfd_read(d->news_fd, &ignored);
    d->news = d->table;
    pthread_mutex_unlock(&d->mutex);
}

static void take_key(struct display *d)
{
    char keys[64];
    ssize_t n = read(STDIN_FILENO, keys, sizeof(keys));

    if (n > 0 && memchr(keys, 'q', (size_t)n) != NULL)
        d->running = false;
}

/* When the next frame is due. */
static struct mono frame_time(struct display *d)
{
    bool news;

    pthread_mutex_lock(&d->mutex);
    news = d->news;
    pthread_mutex_unlock(&d->mutex);
    return mono_add_ms(d->drawn, news ? FRAME_MS : IDLE_FRAME_MS);
}

static void turn(struct display *d)
{
    enum { SIGNAL, NEWS, OUTPUT, KEYS, COUNT };
    struct mono due = d->table ? frame_time(d) : MONO_NEVER;
    struct pollfd fds[COUNT] = {
        [SIGNAL] = {.fd = d->signal_fd, .events = POLLIN},
        [NEWS] = {.fd = d->news_fd, .events = POLLIN},
        [OUTPUT] = {.fd = !d->table && has_lines(d) ? STDOUT_FILENO : -1, .events = POLLOUT},
        [KEYS] = {.fd = d->screen.has_saved ? STDIN_FILENO : -1, .events = POLLIN},
    };

    if (poll(fds, COUNT, mono_timeout_ms(due, mono_now())) < 0)
        return;
    if (fds[SIGNAL].revents != 0)
        take_signal(d);
    if (fds[NEWS].revents != 0)
        take_news(d);
    if (fds[KEYS].revents != 0)
        take_key(d);
    if (fds[OUTPUT].revents != 0)
        write_lines(d);
    if (d->table && d->running && !mono_before(mono_now(), frame_time(d)))
        draw_frame(d);
}

static bool locale_is_utf8(void)
{
    static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};

    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        const char *value = getenv(names[i]);

        if (value != NULL && value[0] != '\0')
            return strcasestr(value, "utf-8") != NULL || strcasestr(value, "utf8") != NULL;
    }
    return false;
}

static bool is_set(const char *variable)
{
    const char *value = getenv(variable);

    return value != NULL && value[0] != '\0';
}

static void choose_output(struct display *d)
{
    const char *term = getenv("TERM");
    bool dumb = term == NULL || term[0] == '\0' || strcmp(term, "dumb") == 0;

    d->table = !d->settings->plain && isatty(STDOUT_FILENO) && !dumb;
    d->quiet = d->table && isatty(STDERR_FILENO);
    d->colour = d->table && !is_set("NO_COLOR");
    d->utf8 = locale_is_utf8();
}

/* Signals come through a descriptor, in this thread; blocked before others are started. */
static int open_signals(void)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGWINCH, SIGTSTP};
    sigset_t set;

    sigemptyset(&set);
    for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
        sigaddset(&set, signals[i]);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN); /* writing tells */
    return signalfd(-1, &set, SFD_CLOEXEC);
}

static void summarize(struct display *d)
{
    struct board_counts c = board_counts(d->board);

    log_info("%" PRIu64 " messages, %" PRIu64 " shown, %" PRIu64 " not understood, %" PRIu64
             " for more symbols than the %d that fit",
             c.messages, c.shown, c.bad, c.over, BOARD_MAX_SYMBOLS);
}

static int display_run(struct display *d)
{
    const struct settings *s = d->settings;
    struct broker_address broker = s->broker;
    struct link *l = NULL;
    int r;

    broker.password = s->password;
    r = link_open(
        &(struct link_config){
            .broker = broker,
            .filters = (const char *const *)s->filters,
            .n_filters = s->n_filters,
            .events = &link_events,
            .ctx = d,
        },
        &l);

    if (r < 0) {
        log_error("cannot start: %s", strerror(-r));
        return EXIT_FAILURE;
    }
    if (d->table)
        screen_enter(&d->screen, STDIN_FILENO, STDOUT_FILENO);
    d->running = true;
    while (d->running)
        turn(d);
    screen_leave(&d->screen);
    link_close(l);
    if (!d->quiet)
        summarize(d);
    return d->exit_status;
}

static int display_start(const struct settings *s)
{
    struct display d = {.settings = s, .mutex = PTHREAD_MUTEX_INITIALIZER, .state = "connecting"};
    int status = EXIT_FAILURE;

    d.signal_fd = open_signals();
    d.news_fd = eventfd(0, EFD_CLOEXEC);
    if (d.signal_fd >= 0 && d.news_fd >= 0 &&
        board_new((const char *const *)s->symbols, s->n_symbols, (int64_t)s->stale_s * 1000,
                  mono_now(), &d.board) == 0) {
        choose_output(&d);
        board_link(d.board, BOARD_CONNECTING, s->broker.url, mono_now());
        status = display_run(&d);
    }
    board_free(d.board);
    return status;
}

int main(int argc, char **argv)
{
    struct settings s;
    int status;

    log_init("display", LOG_INFO);
    if (settings_read(&s, argc, argv, &status))
        status = display_start(&s);
    settings_release(&s);
    return status;
}
